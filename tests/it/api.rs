//! The API: who may pass, what each door answers, and that its document tells the truth.

mod document;
mod doors;
mod exports;
mod signups;

use optin::consent::operator::{Right, Role};
use reqwest::{Method, Response};
use serde_json::Value;

use crate::house::House;

/// An admin's token for everything.
pub async fn anything(house: &House) -> String {
    house.token(Role::Admin, &Right::ALL).await
}

/// A request in an operator's name; its body, if it has one, as JSON.
pub async fn ask(house: &House, token: &str, method: Method, path: &str, body: Option<&Value>) -> Response {
    let request = house.request(method, &format!("/api/v1{path}")).bearer_auth(token);
    let request = match body {
        Some(body) => request.header("content-type", "application/json").body(body.to_string()),
        None => request,
    };
    request.send().await.unwrap()
}

pub async fn get(house: &House, token: &str, path: &str) -> Value {
    let answer = ask(house, token, Method::GET, path, None).await;
    assert_eq!(answer.status(), 200, "{path}");
    assert_eq!(answer.headers()["content-type"], "application/json");
    json(answer).await
}

pub async fn post(house: &House, token: &str, path: &str, body: &Value) -> Response {
    ask(house, token, Method::POST, path, Some(body)).await
}

pub async fn json(answer: Response) -> Value {
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

/// Expects a problem of this status and name, and returns it.
#[track_caller]
pub fn is_problem(problem: &Value, status: u16, name: &str) {
    assert_eq!(problem["type"], format!("urn:optin:problem:{name}"), "{problem}");
    assert_eq!(problem["status"], status);
    for words in ["title", "detail"] {
        assert!(problem[words].as_str().is_some_and(|words| words.len() > 5), "{problem}");
    }
}

pub async fn problem(answer: Response, status: u16, name: &str) -> Value {
    assert_eq!(answer.status(), status);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let problem = json(answer).await;
    is_problem(&problem, status, name);
    problem
}
