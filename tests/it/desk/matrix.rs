//! Each role at each door.

use optin::consent::operator::Role;
use reqwest::StatusCode;

use crate::house::House;

/// The doors of the desk that show something, and who may look.
const SHOWING: [(&str, &[Role]); 10] = [
    ("/desk/account", &Role::ALL),
    ("/desk/person", &[Role::Admin, Role::Auditor]),
    ("/desk/records", &[Role::Admin, Role::Auditor]),
    ("/desk/operators", &[Role::Admin]),
    ("/desk/lists/news", &Role::ALL),
    ("/desk/lists/news/settings", &[Role::Admin]),
    ("/desk/lists/news/notices", &Role::ALL),
    ("/desk/lists/news/notices/1", &Role::ALL),
    ("/desk/lists/news/exports", &Role::ALL),
    ("/desk/lists/news/trail", &[Role::Admin, Role::Auditor]),
];

/// What a form is sent with.
type Entered = &'static [(&'static str, &'static str)];

/// Those that act, what they are sent, and who may.
const ACTING: [(&str, Entered, &[Role]); 7] = [
    ("/desk/person", &[("address", "ann@example.org")], &[Role::Admin, Role::Auditor]),
    ("/desk/person/erase", &[("address", "ann@example.org"), ("list", "news")], &[Role::Admin]),
    ("/desk/operators", &[("name", "!"), ("mail", "x"), ("role", "admin"), ("list", "0")], &[Role::Admin]),
    ("/desk/operators/remove", &[("name", "nobody")], &[Role::Admin]),
    ("/desk/lists/news/settings", &[("text", ""), ("act", "check")], &[Role::Admin]),
    ("/desk/lists/news/exports", &[("format", "none")], &[Role::Admin, Role::Marketer]),
    ("/desk/lists/news/trail", &[], &[Role::Admin, Role::Auditor]),
];

/// As somebody might write a path to slip by a guard.
fn variants(path: &str) -> Vec<String> {
    vec![
        format!("{path}/"),
        format!("{path}//"),
        path.replacen('/', "//", 1),
        path.replace("desk", "Desk"),
        path.replace("desk", "%64esk"),
        path.replace("/desk/", "/desk//"),
        path.replace("/desk/", "/desk/./"),
        path.replace("/desk/", "/desk/x/../"),
        path.replace("/desk/", "/desk%2f"),
        format!("{path}?a=b"),
        format!("{path};a=b"),
    ]
}

#[tokio::test]
async fn each_role_passes_the_doors_that_are_its_own_and_no_others() {
    let house = House::open().await;
    for role in Role::ALL {
        let desk = house.at_desk(role).await;
        let account = desk.get("/desk/account").await;
        for (path, allowed) in SHOWING {
            let status = desk.look(path).await.status();
            let expected = if allowed.contains(&role) { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(status, expected, "{role:?} at {path}");
        }
        for (path, form, allowed) in ACTING {
            let status = desk.press(&account, path, form).await.status();
            assert_eq!(
                status != StatusCode::FORBIDDEN,
                allowed.contains(&role),
                "{role:?} at {path}: {status}"
            );
        }
    }
    let nobody = house.at_desk_as("nobody-at-desk", &[]).await;
    for (path, _) in SHOWING {
        let expected = if path == "/desk/account" { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(nobody.look(path).await.status(), expected, "nobody at {path}");
    }
    house.close().await;
}

#[tokio::test]
async fn a_path_that_is_written_otherwise_is_guarded_alike() {
    let house = House::open().await;
    let marketer = house.at_desk(Role::Marketer).await;
    for (path, allowed) in SHOWING {
        for variant in variants(path) {
            // Written by hand: a client's own tidying would hide what is tried.
            let without = house.raw("GET", &variant, "").await;
            assert!([303, 400, 404].contains(&without), "{variant}: {without}");
            let cookie = format!("Cookie: {}\r\n", marketer.cookie);
            let with = house.raw("GET", &variant, &cookie).await;
            let open = allowed.contains(&Role::Marketer);
            assert!(open || with != 200, "{variant}: {with}");
        }
    }
    house.close().await;
}

#[tokio::test]
async fn what_is_refused_does_not_tell_what_exists() {
    let house = House::open().await;
    house.new_list("shop", serde_json::json!([])).await;
    let desk = house.at_desk_as("ann", &[(1, Role::Auditor)]).await;
    let there = desk.look("/desk/records?list=shop").await;
    let not = desk.look("/desk/records?list=none").await;
    assert_eq!((there.status(), not.status()), (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN));
    assert_eq!(there.text().await.unwrap(), not.text().await.unwrap());
    house.close().await;
}
