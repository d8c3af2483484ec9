//! Who did what.

use jiff::SignedDuration;
use optin::chores::sweeper;
use optin::consent::operator::Role;
use reqwest::StatusCode;
use serde_json::json;

use crate::house::House;

#[tokio::test]
async fn the_record_tells_who_did_what_page_by_page_for_sixty_days() {
    let house = House::open().await;
    house.new_list("shop", json!([])).await;
    let desk = house.at_desk(Role::Admin).await;
    for n in 0..101 {
        let access = optin::store::access::Access::Export;
        let list = 1 + u32::from(n % 2 == 0);
        house.app.store.record_access(list, "bob", access, house.clock.now()).await.unwrap();
    }
    let page = desk.get("/desk/records").await;
    assert_eq!(page.matches("<th scope=\"row\">").count(), 100);
    let older = page.split("href=\"").find(|part| part.starts_with("/desk/records?before=")).unwrap();
    let older = desk.get(older.split('"').next().unwrap()).await;
    assert!(older.contains("logged in") && older.contains("promised confidentiality"));
    assert_eq!(desk.get("/desk/records?list=shop").await.matches("<td>exported").count(), 51);
    house.clock.advance(SignedDuration::from_hours(24 * 60 + 1));
    sweeper::sweep(&house.app).await.unwrap();
    let left: i64 =
        house.db().await.query_one("SELECT count(*) FROM access_records", &[]).await.unwrap().get(0);
    assert_eq!(left, 0);
    let sessions: i64 =
        house.db().await.query_one("SELECT count(*) FROM sessions", &[]).await.unwrap().get(0);
    assert_eq!(sessions, 0, "what has ended is forgotten");
    house.close().await;
}

#[tokio::test]
async fn whoever_audits_one_list_sees_its_record_and_no_other() {
    let house = House::open().await;
    house.new_list("shop", json!([])).await;
    let access = optin::store::access::Access::Export;
    house.app.store.record_access(1, "bob", access, house.clock.now()).await.unwrap();
    house.app.store.record_access(2, "eve", access, house.clock.now()).await.unwrap();
    let desk = house.at_desk_as("ann", &[(2, Role::Auditor)]).await;
    let page = desk.get("/desk/records").await;
    assert!(page.contains("eve") && !page.contains("bob") && !page.contains("logged in"));
    for list in ["news", "none"] {
        let answer = desk.look(&format!("/desk/records?list={list}")).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{list}");
    }
    house.close().await;
}
