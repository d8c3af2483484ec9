//! Operators: invited by letter, with roles that others give.

use optin::consent::operator::Role;
use reqwest::StatusCode;

use crate::house::desk::PASSWORD;
use crate::house::{House, link};

const BOB: &str = "bob@example.org";

#[tokio::test]
async fn an_administrator_invites_by_letter_gives_roles_and_takes_them_back() {
    let house = House::open().await;
    let desk = house.at_desk(Role::Admin).await;
    let page = desk.get("/desk/operators").await;
    let form = [("name", "bob"), ("mail", BOB), ("role", "marketer"), ("list", "0")];
    let said = desk.press(&page, "/desk/operators", &form).await.text().await.unwrap();
    assert!(said.contains("An invitation to bob is on its way."), "{said}");
    let letter = house.letter(BOB).await;
    assert_eq!(letter.subject, "You are an operator");
    let answer =
        house.post(&link(&letter.text, "/desk/join/"), &[("password", PASSWORD), ("again", PASSWORD)]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let bob = async || house.app.store.operator("bob").await.unwrap();
    assert_eq!(bob().await.unwrap().grants, [(0, Role::Marketer)]);

    let act = async |what: &str, form: &[(&str, &str)]| {
        let answer = desk.press(&page, &format!("/desk/operators/{what}"), form).await;
        (answer.status(), answer.text().await.unwrap())
    };
    let (status, _) = act("grant", &[("name", "bob"), ("role", "auditor"), ("list", "1")]).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(bob().await.unwrap().grants, [(0, Role::Marketer), (1, Role::Auditor)]);
    act("revoke", &[("name", "bob"), ("list", "0")]).await;
    assert_eq!(bob().await.unwrap().grants, [(1, Role::Auditor)]);
    act("remove", &[("name", "bob")]).await;
    assert!(bob().await.is_none());
    let left: i64 = house
        .db()
        .await
        .query_one("SELECT count(*) FROM sessions WHERE operator = 'bob'", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(left, 0, "and is logged in nowhere");
    for (form, status) in [
        ([("name", "nobody"), ("role", "admin"), ("list", "0")], StatusCode::UNPROCESSABLE_ENTITY),
        ([("name", "admin-at-desk"), ("role", "marketer"), ("list", "0")], StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(act("grant", &form).await.0, status);
    }
    assert_eq!(act("nothing", &[]).await.0, StatusCode::NOT_FOUND);
    house.close().await;
}

#[tokio::test]
async fn bad_names_addresses_roles_and_lists_are_refused() {
    let house = House::open().await;
    let desk = house.at_desk(Role::Admin).await;
    let page = desk.get("/desk/operators").await;
    for (name, mail, role, list, status) in [
        ("Bob", BOB, "marketer", "0", 422),
        ("", BOB, "marketer", "0", 422),
        ("bob", "bob", "marketer", "0", 422),
        ("bob", BOB, "king", "0", 400),
        ("bob", BOB, "marketer", "x", 400),
        ("bob", BOB, "marketer", "99", 404),
        ("admin-at-desk", BOB, "marketer", "0", 422),
    ] {
        let form = [("name", name), ("mail", mail), ("role", role), ("list", list)];
        let answer = desk.press(&page, "/desk/operators", &form).await;
        assert_eq!(answer.status().as_u16(), status, "{name} {mail} {role} {list}");
    }
    assert!(house.app.store.operator("bob").await.unwrap().is_none());
    house.close().await;
}
