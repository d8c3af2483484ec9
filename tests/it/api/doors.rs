//! Who may pass: nobody without a token, however the path is written, and nobody beyond their role.

use optin::consent::operator::{Right, Role};
use reqwest::Method;
use serde_json::json;

use super::document::{document, doors};
use super::{anything, ask, post, problem};
use crate::house::House;

#[tokio::test]
async fn nothing_is_said_without_a_token_however_the_path_is_written() {
    let house = House::open().await;
    for (path, methods) in doors(&document(&house).await) {
        for method in methods {
            let path = format!("/api/v1{path}");
            let answer = house.request(method.clone(), &path).send().await.unwrap();
            assert_eq!(answer.headers()["www-authenticate"], "Bearer");
            problem(answer, 401, "no_token").await;
            let unknown = house.request(method.clone(), &path).bearer_auth("nobodys").send().await.unwrap();
            problem(unknown, 401, "unknown_token").await;
            let encoded = format!("{}%{:02x}", &path[..path.len() - 1], path.as_bytes()[path.len() - 1]);
            let variants = [
                format!("{path}/"),
                path.replacen("/lists", "//lists", 1),
                format!("/{path}"),
                path.to_uppercase(),
                path.replacen("api", "%61pi", 1),
                format!("{path}/."),
                format!("{path};a=b"),
                format!("{path}%00"),
                encoded,
            ];
            for variant in variants {
                // As it stands: a client's own tidying would hide what is tried.
                let status = house.raw(method.as_str(), &variant, "").await;
                assert!((400..500).contains(&status), "{status} {method} {variant}");
            }
        }
    }
    house.close_with_waiting_letters().await;
}

#[tokio::test]
async fn whoever_may_not_is_not_told_whether_there_is_such_a_list() {
    let house = House::open().await;
    house.new_list("other", json!([])).await;
    let marketer = house.token_for(Role::Marketer, &Right::ALL, Some(&[1])).await;
    for (method, path, body) in [
        (Method::GET, "", None),
        (Method::GET, "/notices", None),
        (Method::GET, "/stats", None),
        (Method::GET, "/exports", None),
        (Method::POST, "/exports", Some(json!({ "format": "csv" }))),
        (Method::POST, "/evidence", Some(json!({ "email": "ann@example.org" }))),
        (Method::POST, "/signups", Some(json!({}))),
    ] {
        let mut told = Vec::new();
        for slug in ["other", "nosuch"] {
            let path = format!("/lists/{slug}{path}");
            let answer = ask(&house, &marketer, method.clone(), &path, body.as_ref()).await;
            told.push(problem(answer, 403, "forbidden").await);
        }
        assert_eq!(told[0], told[1], "{path}");
    }
    // A marketer sees nobody's history, and signs nobody up.
    for door in ["evidence", "signups"] {
        let answer = post(&house, &marketer, &format!("/lists/news/{door}"), &json!({})).await;
        problem(answer, 403, "forbidden").await;
    }
    house.close_with_waiting_letters().await;
}

#[tokio::test]
async fn every_problem_is_told_as_one_and_where_it_is() {
    let house = House::open().await;
    let token = anything(&house).await;
    for path in ["/nowhere", "/lists/news/nothing", "/lists/news/exports/zz", "/lists/news/exports/00"] {
        problem(ask(&house, &token, Method::GET, path, None).await, 404, "not_found").await;
    }
    let html = house.request(Method::GET, "/api/v2").header("accept", "text/html").send().await.unwrap();
    problem(html, 404, "not_found").await;
    problem(ask(&house, &token, Method::GET, "/lists/nosuch", None).await, 404, "unknown_list").await;
    problem(ask(&house, &token, Method::GET, "/lists/news/notices/9", None).await, 404, "unknown_notice")
        .await;
    problem(ask(&house, &token, Method::DELETE, "/lists/news", None).await, 405, "method").await;
    let form = house.request(Method::POST, "/api/v1/lists/news/exports").bearer_auth(&token);
    problem(form.form(&[("format", "csv")]).send().await.unwrap(), 415, "media_type").await;
    let broken = house.request(Method::POST, "/api/v1/lists/news/exports").bearer_auth(&token);
    let broken = broken.header("content-type", "application/json").body("{");
    problem(broken.send().await.unwrap(), 400, "bad_request").await;
    let long = json!({ "format": "c".repeat(20_000) });
    problem(post(&house, &token, "/lists/news/exports", &long).await, 413, "too_large").await;

    for (door, body, pointers) in [
        ("exports", json!({}), vec!["#/format", "#/format"]),
        ("exports", json!({ "format": "xls" }), vec!["#/format"]),
        ("exports", json!({ "format": "csv", "x": 1 }), vec!["#"]),
        ("exports", json!([]), vec!["#"]),
        ("evidence", json!({ "email": 7 }), vec!["#/email"]),
        ("evidence", json!({ "email": "nobody" }), vec!["#/email"]),
        ("signups", json!({ "email": "x", "consent": false, "notice": 1 }), vec!["#/email", "#/consent"]),
        (
            "signups",
            json!({ "email": "a@example.org", "consent": true, "notice": 1, "ip": "x", "origin": "y" }),
            vec!["#/origin", "#/ip"],
        ),
    ] {
        let answer = post(&house, &token, &format!("/lists/news/{door}"), &body).await;
        let told = problem(answer, 422, "invalid").await;
        let errors = told["errors"].as_array().unwrap();
        let mut found: Vec<&str> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        found.dedup();
        let mut pointers = pointers;
        pointers.dedup();
        assert_eq!(found, pointers, "{door} {body}");
    }
    for (query, parameter) in [
        ("since=2026-02-30", "since"),
        ("until=x", "until"),
        ("until=2026-01-01&until=2026-01-01", "until"),
        ("since=2024-01-01&until=2026-01-01", "since"),
        ("since=2026-01-02&until=2026-01-01", "since"),
        ("until=9999-12-31&since=-009999-01-01", "since"),
    ] {
        let answer = ask(&house, &token, Method::GET, &format!("/lists/news/stats?{query}"), None).await;
        assert_eq!(problem(answer, 400, "invalid").await["errors"][0]["parameter"], parameter, "{query}");
    }
    for (query, parameter) in
        [("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("after=x", "after")]
    {
        for path in ["/lists", "/lists/news/notices", "/lists/news/exports"] {
            let answer = ask(&house, &token, Method::GET, &format!("{path}?{query}"), None).await;
            assert_eq!(problem(answer, 400, "invalid").await["errors"][0]["parameter"], parameter);
        }
    }
    house.close_with_waiting_letters().await;
}
