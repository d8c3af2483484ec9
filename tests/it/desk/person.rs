//! One person, for a request by phone.

use optin::consent::operator::Role;
use reqwest::StatusCode;
use serde_json::json;

use crate::house::House;

const ANN: &str = "ann@example.org";

#[tokio::test]
async fn an_operator_sees_what_the_persons_own_page_would_show_and_erases_on_request() {
    let house = House::open().await;
    house.new_list("shop", json!([{ "name": "name", "kind": "text", "max": 100, "required": false, "exported": true, "label": {} }])).await;
    house.subscribe(ANN).await;
    house.subscribe_to("shop", ANN, &[("name", "Ann & Co")]).await;
    let desk = house.at_desk(Role::Admin).await;
    assert!(desk.look_for("nobody@example.org").await.contains("Nothing is held under this address"));
    assert!(desk.look_for("nobody").await.contains("That is not an e-mail address."));
    let page = desk.look_for("ANN@example.org").await;
    assert!(page.contains("The shop") && page.contains("Ann &amp; Co"), "{page}");
    assert!(page.contains("never") && page.contains("version 1 of"));

    let erase = [("address", ANN), ("list", "shop")];
    let answer = desk.press(&page, "/desk/person/erase", &erase).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "nobody is erased by a slip");
    let sure = [&erase[..], &[("sure", "yes")]].concat();
    let answer = desk.press(&page, "/desk/person/erase", &sure).await;
    assert!(answer.text().await.unwrap().contains("They are erased from The shop."));
    assert!(house.people("shop").await.is_empty());
    assert_eq!(house.people("news").await.len(), 1, "the other list is another matter");
    let page = desk.look_for(ANN).await;
    assert!(!page.contains("The shop"));
    let answer = desk.press(&page, "/desk/person/erase", &sure).await;
    assert!(!answer.text().await.unwrap().contains("They are erased"), "there is nobody any more");

    let (shop, _) = house.app.store.find_list("shop").await.unwrap().unwrap();
    let records = house.app.store.access_records(&[shop.number], i64::MAX, 50).await.unwrap();
    let acts: Vec<_> = records.iter().rev().map(|record| record.act.as_str()).collect();
    assert_eq!(
        acts.iter().filter(|act| ["look", "erase"].contains(act)).collect::<Vec<_>>(),
        [&"look", &"erase"]
    );
    assert!(
        records.iter().all(|record| !record.is_about_somebody),
        "whom it was about is forgotten with them"
    );
    house.close().await;
}

#[tokio::test]
async fn an_operator_sees_people_on_the_lists_of_their_role_alone() {
    let house = House::open().await;
    house.new_list("shop", json!([])).await;
    let (shop, _) = house.app.store.find_list("shop").await.unwrap().unwrap();
    house.subscribe(ANN).await;
    house.subscribe_to("shop", ANN, &[]).await;
    let desk = house.at_desk_as("ann", &[(shop.number, Role::Auditor)]).await;
    let page = desk.look_for(ANN).await;
    assert!(page.contains("The shop") && !page.contains("id=\"list-news\""));
    assert!(!page.contains("Erase them"), "an auditor looks");
    for list in ["shop", "news", "none"] {
        let form = [("address", ANN), ("list", list), ("sure", "yes")];
        let answer = desk.press(&page, "/desk/person/erase", &form).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{list}");
    }
    assert_eq!((house.people("shop").await.len(), house.people("news").await.len()), (1, 1));
    house.close().await;
}
