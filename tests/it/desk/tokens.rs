//! Tokens: shown once, never more than their operator, and ended.

use jiff::SignedDuration;
use optin::consent::operator::{Right, Role};
use regex::Regex;
use reqwest::{Method, StatusCode};

use crate::house::House;

async fn opens(house: &House, token: &str, path: &str) -> StatusCode {
    house.request(Method::GET, path).bearer_auth(token).send().await.unwrap().status()
}

#[tokio::test]
async fn a_token_is_shown_once_lets_in_and_is_ended() {
    let house = House::open().await;
    house.subscribe("ann@example.org").await;
    house.seal().await;
    let desk = house.at_desk(Role::Auditor).await;
    let page = desk.get("/desk/account").await;
    assert!(
        page.contains("You have none.") && !page.contains("take exports"),
        "none beyond one's own rights"
    );
    let form = [("name", "mirror"), ("right", "trail"), ("days", "30")];
    let made = desk.press(&page, "/desk/account/tokens", &form).await.text().await.unwrap();
    let token =
        Regex::new("optin-[A-Za-z0-9_-]{43}").unwrap().find(&made).expect("a token").as_str().to_owned();
    assert!(!desk.get("/desk/account").await.contains(&token), "it is shown once");
    let rows = "SELECT count(*) FROM access_tokens t WHERE t::text LIKE '%' || $1 || '%'";
    let found: i64 = house.db().await.query_one(rows, &[&token]).await.unwrap().get(0);
    assert_eq!(found, 0, "and lies nowhere");
    let entries = "/trails/news/tile/entries/000.p/2";
    assert_eq!(opens(&house, &token, entries).await, StatusCode::OK);
    assert_eq!(opens(&house, "optin-nobodys", entries).await, StatusCode::UNAUTHORIZED);
    let [known] = &house.app.store.tokens(&desk.name).await.unwrap()[..] else { panic!("one") };
    assert_eq!((known.name.as_str(), known.used_at), ("mirror", Some(house.clock.now())));

    let number = known.number.to_string();
    let other = house.at_desk_as("other", &[]).await;
    let theirs = other.get("/desk/account").await;
    other.press(&theirs, "/desk/account/tokens/end", &[("number", &number)]).await;
    assert_eq!(opens(&house, &token, entries).await, StatusCode::OK, "nobody ends another's");
    desk.press(&page, "/desk/account/tokens/end", &[("number", &number)]).await;
    assert_eq!(opens(&house, &token, entries).await, StatusCode::UNAUTHORIZED);
    house.close().await;
}

#[tokio::test]
async fn a_token_expires_and_goes_with_its_operator_and_with_their_role() {
    let house = House::open().await;
    house.subscribe("ann@example.org").await;
    house.seal().await;
    let entries = "/trails/news/tile/entries/000.p/2";
    let token = house.token(Role::Auditor, &[Right::Trail]).await;
    assert_eq!(opens(&house, &token, entries).await, StatusCode::OK);
    house.app.store.grant("auditor", 0, Role::Marketer).await.unwrap();
    assert_eq!(opens(&house, &token, entries).await, StatusCode::FORBIDDEN, "the role is another now");
    house.app.store.grant("auditor", 0, Role::Admin).await.unwrap();
    assert_eq!(opens(&house, &token, entries).await, StatusCode::OK);
    let other = house.token_for(Role::Admin, &[Right::Trail], Some(&[99])).await;
    assert_eq!(opens(&house, &other, entries).await, StatusCode::FORBIDDEN, "it is for another list");
    let other = house.token(Role::Admin, &[Right::Read]).await;
    assert_eq!(opens(&house, &other, entries).await, StatusCode::FORBIDDEN, "it is for something else");
    house.app.store.remove_operator("auditor").await.unwrap();
    assert_eq!(opens(&house, &token, entries).await, StatusCode::UNAUTHORIZED);
    let token = house.token(Role::Admin, &[Right::Trail]).await;
    house.clock.advance(SignedDuration::from_hours(24 * 365));
    assert_eq!(opens(&house, &token, entries).await, StatusCode::UNAUTHORIZED);
    house.close().await;
}

#[tokio::test]
async fn nobody_makes_a_token_without_a_name_a_right_a_time_or_for_lists_of_others() {
    let house = House::open().await;
    house.new_list("shop", serde_json::json!([])).await;
    let desk = house.at_desk_as("ann", &[(1, Role::Marketer)]).await;
    let page = desk.get("/desk/account").await;
    for (form, status) in [
        (vec![("name", " "), ("right", "read"), ("days", "1")], 422),
        (vec![("name", "x"), ("days", "1")], 422),
        (vec![("name", "x"), ("right", "fly"), ("days", "1")], 422),
        (vec![("name", "x"), ("right", "read"), ("days", "0")], 422),
        (vec![("name", "x"), ("right", "read"), ("days", "9999999999999999999")], 422),
        (vec![("name", "x"), ("right", "read"), ("days", "1"), ("list", "shop")], 403),
        (vec![("name", "x"), ("right", "read"), ("days", "1"), ("list", "none")], 403),
        (vec![("name", "<script>"), ("right", "read"), ("days", "1"), ("list", "news")], 200),
    ] {
        let answer = desk.press(&page, "/desk/account/tokens", &form).await;
        assert_eq!(answer.status().as_u16(), status, "{form:?}");
    }
    let page = desk.get("/desk/account").await;
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"));
    house.close().await;
}
