//! Getting in, and being kept out.

use futures_util::future::join_all;
use jiff::SignedDuration;
use optin::consent::operator::Role;
use reqwest::header::{COOKIE, LOCATION, ORIGIN, RETRY_AFTER, SET_COOKIE};
use reqwest::{Method, Response, StatusCode};

use crate::house::House;
use crate::house::desk::{PASSWORD, cookie};

async fn log_in(house: &House, name: &str, password: &str) -> Response {
    house.post("/desk/login", &[("name", name), ("password", password)]).await
}

fn place(answer: &Response) -> &str {
    answer.headers()[LOCATION].to_str().unwrap()
}

#[tokio::test]
async fn p_med_10_personal_data_needs_a_personal_login_with_a_password_and_each_look_is_on_record() {
    let house = House::open().await;
    house.subscribe("ann@example.org").await;
    for path in ["/desk", "/desk/person", "/desk/records", "/desk/operators", "/desk/account"] {
        let answer = house.get(path).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{path}");
        assert!(place(&answer).starts_with("/desk/login"), "{path}");
        assert!(answer.text().await.unwrap().is_empty(), "{path}");
    }
    let answer = house.post("/desk/person", &[("address", "ann@example.org")]).await;
    assert_eq!((answer.status(), place(&answer)), (StatusCode::SEE_OTHER, "/desk/login"));

    let desk = house.at_desk(Role::Auditor).await;
    assert!(desk.look_for("ann@example.org").await.contains("id=\"list-news\""));
    let records = house.app.store.access_records(&[1], i64::MAX, 10).await.unwrap();
    let looks: Vec<_> = records.iter().filter(|record| record.act == "look").collect();
    assert_eq!(looks.len(), 1);
    assert_eq!((looks[0].operator.as_str(), looks[0].is_about_somebody), (desk.name.as_str(), true));
    house.close().await;
}

#[tokio::test]
async fn p_med_12_nothing_is_shown_before_confidentiality_was_promised_and_the_promise_is_on_record() {
    let house = House::open().await;
    let link = house.invitation("ann").await;
    house.app.store.grant("ann", 0, Role::Admin).await.unwrap();
    let answer = house.post(&link, &[("password", PASSWORD), ("again", PASSWORD)]).await;
    let cookie = cookie(&answer);
    let get =
        async |path: &str| house.request(Method::GET, path).header(COOKIE, &cookie).send().await.unwrap();
    for path in ["/desk", "/desk/person", "/desk/records", "/desk/operators", "/desk/account"] {
        let answer = get(path).await;
        assert_eq!(
            (answer.status(), place(&answer)),
            (StatusCode::SEE_OTHER, "/desk/confidentiality"),
            "{path}"
        );
    }
    let page = get("/desk/confidentiality").await.text().await.unwrap();
    assert!(page.contains("I keep it confidential."));
    let csrf = crate::house::desk::csrf(&page);
    let accept = house.request(Method::POST, "/desk/confidentiality").header(COOKIE, &cookie);
    assert_eq!(accept.form(&[("csrf", csrf)]).send().await.unwrap().status(), StatusCode::SEE_OTHER);
    assert_eq!(get("/desk/account").await.status(), StatusCode::OK);
    let ann = house.app.store.operator("ann").await.unwrap().unwrap();
    assert_eq!(ann.confidential_at, Some(house.clock.now()));
    let records = house.app.store.access_records(&[0], i64::MAX, 10).await.unwrap();
    assert!(records.iter().any(|record| record.act == "confidentiality" && record.operator == "ann"));

    // Another text is asked anew.
    let other = "UPDATE operators SET confidential_sha256 = decode(repeat('00', 32), 'hex')";
    house.db().await.execute(other, &[]).await.unwrap();
    assert_eq!(place(&get("/desk/account").await), "/desk/confidentiality");
    house.close().await;
}

#[tokio::test]
async fn whoever_was_invited_sets_a_password_once_and_logs_in_with_it() {
    let house = House::open().await;
    let link = house.invitation("ann").await;
    assert_eq!(
        log_in(&house, "ann", "").await.status(),
        StatusCode::UNAUTHORIZED,
        "there is no password yet"
    );
    assert!(house.get(&link).await.text().await.unwrap().contains("Welcome, ann"));
    for (password, again) in [("short", "short"), (PASSWORD, "four words that do ill")] {
        let answer = house.post(&link, &[("password", password), ("again", again)]).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    let both =
        join_all((0..4).map(|_| house.post(&link, &[("password", PASSWORD), ("again", PASSWORD)]))).await;
    let set = both.iter().filter(|answer| answer.status() == StatusCode::SEE_OTHER).count();
    assert_eq!(set, 1, "however often it is pressed at once");
    assert_eq!(house.get(&link).await.status(), StatusCode::GONE);
    let answer = log_in(&house, " Ann ", PASSWORD).await;
    assert_eq!((answer.status(), place(&answer)), (StatusCode::SEE_OTHER, "/desk"));
    assert_eq!(house.get("/desk/join/nobodys").await.status(), StatusCode::GONE);

    let late = house.invitation("ann").await;
    house.clock.advance(SignedDuration::from_hours(73));
    assert_eq!(house.get(&late).await.status(), StatusCode::GONE);
    let answer = house.post(&late, &[("password", PASSWORD), ("again", PASSWORD)]).await;
    assert_eq!(answer.status(), StatusCode::GONE);
    house.close().await;
}

#[tokio::test]
async fn a_wrong_password_and_an_operator_whom_there_is_not_are_answered_alike() {
    let house = House::open().await;
    house.at_desk_as("ann", &[]).await;
    let known = log_in(&house, "ann", "four words that do ill").await;
    let unknown = log_in(&house, "eve", "four words that do ill").await;
    assert_eq!((known.status(), unknown.status()), (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED));
    assert!(known.headers().get(SET_COOKIE).is_none() && unknown.headers().get(SET_COOKIE).is_none());
    let (known, unknown) = (known.text().await.unwrap(), unknown.text().await.unwrap());
    assert_eq!(known.replace("ann", "eve"), unknown);
    house.close().await;
}

#[tokio::test]
async fn the_cookie_is_for_the_desk_alone_and_for_no_script() {
    let house = House::open().await;
    house.at_desk_as("ann", &[]).await;
    let answer = log_in(&house, "ann", PASSWORD).await;
    let line = answer.headers()[SET_COOKIE].to_str().unwrap();
    let attributes = line.split_once("; ").unwrap().1;
    assert_eq!(attributes, "Path=/desk; Max-Age=43200; HttpOnly; SameSite=Strict");
    // What lies in the database is no cookie.
    let secret = cookie(&answer).split_once('=').unwrap().1.to_owned();
    let rows = "SELECT count(*) FROM sessions WHERE encode(sha256, 'escape') LIKE '%' || $1 || '%'";
    let found: i64 = house.db().await.query_one(rows, &[&secret]).await.unwrap().get(0);
    assert_eq!(found, 0);
    house.close().await;
}

#[tokio::test]
async fn a_session_ends_by_itself_by_logging_out_and_by_another_password() {
    let house = House::open().await;
    let desk = house.at_desk_as("ann", &[]).await;
    let other = cookie(&log_in(&house, "ann", PASSWORD).await);
    let page = desk.get("/desk/account").await;
    let answer = desk.press(&page, "/desk/logout", &[]).await;
    assert!(answer.headers()[SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(
        desk.look("/desk/account").await.status(),
        StatusCode::SEE_OTHER,
        "the old cookie opens nothing"
    );

    let desk = crate::house::desk::AtDesk { cookie: other, ..desk };
    let third = cookie(&log_in(&house, "ann", PASSWORD).await);
    let page = desk.get("/desk/account").await;
    let new = "other words that do well";
    let wrong = [("before", "four words that do ill"), ("password", new), ("again", new)];
    let answer = desk.press(&page, "/desk/account/password", &wrong).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let right = [("before", PASSWORD), ("password", new), ("again", new)];
    assert_eq!(desk.press(&page, "/desk/account/password", &right).await.status(), StatusCode::SEE_OTHER);
    for cookie in [desk.cookie.clone(), third] {
        let request = house.request(Method::GET, "/desk/account").header(COOKIE, cookie);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::SEE_OTHER, "all have ended");
    }
    assert_eq!(log_in(&house, "ann", PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
    let desk = crate::house::desk::AtDesk { cookie: cookie(&log_in(&house, "ann", new).await), ..desk };
    assert_eq!(desk.look("/desk/account").await.status(), StatusCode::OK);
    house.clock.advance(SignedDuration::from_hours(12));
    assert_eq!(desk.look("/desk/account").await.status(), StatusCode::SEE_OTHER, "half a day is over");
    house.close().await;
}

#[tokio::test]
async fn passwords_cannot_be_tried_again_and_again_not_even_at_once() {
    let house = House::open().await;
    house.at_desk_as("ann", &[]).await;
    let tries = join_all((0..30).map(|_| log_in(&house, "ann", "four words that do ill"))).await;
    let looked_at = tries.iter().filter(|answer| answer.status() == StatusCode::UNAUTHORIZED).count();
    assert_eq!(looked_at, 10);
    let refused = tries.iter().find(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS).unwrap();
    assert_eq!(refused.headers()[RETRY_AFTER], "900");
    assert_eq!(log_in(&house, "ann", PASSWORD).await.status(), StatusCode::TOO_MANY_REQUESTS);
    // What is refused to one network locks nobody out: the account itself was tried ten times.
    let rows =
        house.db().await.query("SELECT failures FROM login_failures ORDER BY failures", &[]).await.unwrap();
    let failures: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(failures[0], 10, "{failures:?}");
    // Nor other names, from this network.
    for n in 0..20 {
        log_in(&house, &format!("eve{n}"), "four words that do ill").await;
    }
    assert_eq!(log_in(&house, "bob", "x").await.status(), StatusCode::TOO_MANY_REQUESTS);
    house.clock.advance(SignedDuration::from_mins(16));
    assert_eq!(log_in(&house, "ann", PASSWORD).await.status(), StatusCode::SEE_OTHER);
    // Who knows the password is never counted.
    for _ in 0..12 {
        assert_eq!(log_in(&house, "ann", PASSWORD).await.status(), StatusCode::SEE_OTHER);
    }
    house.close().await;
}

#[tokio::test]
async fn a_login_comes_back_to_where_one_was_and_leads_nowhere_else() {
    let house = House::open().await;
    house.at_desk_as("ann", &[]).await;
    let answer = house.get("/desk/account").await;
    assert_eq!(place(&answer), "/desk/login?to=/desk/account");
    assert!(
        house.get(place(&answer)).await.text().await.unwrap().contains("value=\"&#x2f;desk&#x2f;account\"")
    );
    for (to, led) in [
        ("/desk/account", "/desk/account"),
        ("//evil.example", "/desk"),
        ("https://evil.example/desk", "/desk"),
    ] {
        let form = [("name", "ann"), ("password", PASSWORD), ("to", to)];
        assert_eq!(place(&house.post("/desk/login", &form).await), led, "{to}");
    }
    house.close().await;
}

#[tokio::test]
async fn forms_of_other_pages_and_of_other_sessions_do_nothing() {
    let house = House::open().await;
    house.subscribe("ann@example.org").await;
    let desk = house.at_desk(Role::Admin).await;
    let other = house.at_desk_as("other", &[(0, Role::Admin)]).await;
    let theirs = crate::house::desk::csrf(&other.get("/desk/account").await);
    let own = crate::house::desk::csrf(&desk.get("/desk/account").await);
    let doors = [
        "/desk/logout",
        "/desk/person",
        "/desk/person/erase",
        "/desk/operators",
        "/desk/operators/remove",
        "/desk/account/password",
        "/desk/account/tokens",
        "/desk/account/tokens/end",
        "/desk/confidentiality",
    ];
    for door in doors {
        let form = [("address", "ann@example.org"), ("list", "news"), ("sure", "yes"), ("name", "other")];
        for csrf in ["", "0", theirs.as_str()] {
            let answer = desk.post(door, &[&form[..], &[("csrf", csrf)]].concat()).await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{door}");
        }
        let elsewhere = house.request(Method::POST, door).header(COOKIE, &desk.cookie);
        let form = [&form[..], &[("csrf", own.as_str())]].concat();
        let answer = elsewhere.header(ORIGIN, "https://evil.example").form(&form).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{door}");
    }
    let form = [("name", "other"), ("password", PASSWORD)];
    let foreign = house.request(Method::POST, "/desk/login").header(ORIGIN, "https://evil.example");
    assert_eq!(
        foreign.form(&form).send().await.unwrap().status(),
        StatusCode::FORBIDDEN,
        "nobody is logged in by others"
    );
    assert_eq!(house.people("news").await.len(), 1);
    assert_eq!(desk.look("/desk/account").await.status(), StatusCode::OK);
    house.close().await;
}
