//! The document and the doors agree.

use optin::consent::operator::{Right, Role};
use regex::Regex;
use reqwest::Method;
use serde_json::{Value, json};

use super::{anything, ask, get, post};
use crate::house::pages::decoded;
use crate::house::{House, NEWS};

pub async fn document(house: &House) -> Value {
    let answer = house.get("/api/v1/openapi.json").await;
    assert_eq!(answer.status(), 200);
    super::json(answer).await
}

/// Every documented door: its path, with what stands in braces filled in, and its methods.
pub fn doors(document: &Value) -> Vec<(String, Vec<Method>)> {
    let paths = document["paths"].as_object().unwrap();
    let filled = |path: &str| {
        let path = path.strip_prefix("/api/v1").unwrap();
        path.replace("{slug}", NEWS).replace("{version}", "1").replace("{export}", &"0".repeat(32))
    };
    let methods = |item: &Value| {
        let names = item.as_object().unwrap().keys();
        names.map(|name| name.to_uppercase().parse().unwrap()).collect()
    };
    paths.iter().map(|(path, item)| (filled(path), methods(item))).collect()
}

#[tokio::test]
async fn every_documented_door_takes_its_methods_and_no_other() {
    let house = House::open().await;
    let token = anything(&house).await;
    let doors = doors(&document(&house).await);
    assert!(doors.len() >= 9, "{doors:?}");
    for (path, methods) in doors {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let answer = ask(&house, &token, method.clone(), &path, None).await;
            assert_eq!(answer.status() == 405, !methods.contains(&method), "{method} {path}");
            if answer.status() == 405 {
                let allow = answer.headers()["allow"].to_str().unwrap().to_owned();
                assert!(methods.iter().all(|method| allow.contains(method.as_str())), "{allow} {path}");
            }
        }
    }
    house.close_with_waiting_letters().await;
}

#[tokio::test]
async fn every_line_of_the_table_below_api_is_documented() {
    let house = House::open().await;
    let document = document(&house).await;
    let table = std::fs::read_to_string("src/journeys/mod.rs").unwrap();
    let lines = Regex::new(r#"path!\("api" / "v1" / ([^)]+)\)"#).unwrap();
    let mut documented: Vec<String> = document["paths"]
        .as_object()
        .unwrap()
        .keys()
        .map(|path| Regex::new(r"\{\w+\}").unwrap().replace_all(path, "String").into_owned())
        .collect();
    let mut in_table: Vec<String> = lines
        .captures_iter(&table)
        .map(|line| format!("/api/v1/{}", line[1].replace(['"', ' '], "")))
        .filter(|path| path != "/api/v1/openapi.json")
        .collect();
    documented.sort();
    in_table.sort();
    assert_eq!(documented, in_table);
    house.close_with_waiting_letters().await;
}

#[tokio::test]
async fn what_doors_answer_is_what_the_document_says() {
    let house = House::open().await;
    house.subscribe("ann@example.org").await;
    house.seal().await;
    let token = anything(&house).await;
    let document = document(&house).await;
    let fits = |value: &Value, name: &str| {
        let mut faults = Vec::new();
        check(
            &document,
            &json!({ "$ref": format!("#/components/schemas/{name}") }),
            value,
            name,
            &mut faults,
        );
        assert_eq!(faults, Vec::<String>::new(), "{value}");
    };
    fits(&get(&house, &token, "/lists").await, "ListPage");
    fits(&get(&house, &token, "/lists/news").await, "ListInFull");
    fits(&get(&house, &token, "/lists/news/notices").await, "NoticePage");
    fits(&get(&house, &token, "/lists/news/notices/1").await, "NoticeInFull");
    fits(&get(&house, &token, "/lists/news/stats").await, "Figures");
    let made = post(&house, &token, "/lists/news/exports", &json!({ "format": "csv" })).await;
    let location = made.headers()["location"].to_str().unwrap().to_owned();
    made.bytes().await.unwrap();
    fits(&get(&house, &token, location.strip_prefix("/api/v1").unwrap()).await, "Manifest");
    fits(&get(&house, &token, "/lists/news/exports").await, "ExportPage");
    let signup = json!({ "email": "bob@example.org", "consent": true, "notice": 1 });
    fits(&super::json(post(&house, &token, "/lists/news/signups", &signup).await).await, "SignedUp");
    let refused = post(&house, &token, "/lists/news/exports", &json!({ "format": 1, "more": 1 })).await;
    fits(&super::json(refused).await, "Problem");
    fits(&super::json(ask(&house, &token, Method::GET, "/nowhere", None).await).await, "Problem");
    house.close().await;
}

#[tokio::test]
async fn the_page_for_people_names_every_door_and_has_no_script() {
    let house = House::open().await;
    let page = house.get("/api/v1").await;
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let html = decoded(&page.text().await.unwrap());
    for (path, item) in document(&house).await["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            assert!(html.contains(&format!("{} {path}", method.to_uppercase())), "{method} {path}");
        }
    }
    assert!(!html.contains("<script") && !html.contains("style="));
    house.close_with_waiting_letters().await;
}

#[tokio::test]
async fn lists_come_in_pages_and_only_those_that_the_token_may_read() {
    let house = House::open().await;
    for slug in ["one", "two", "three"] {
        house.new_list(slug, json!([])).await;
    }
    let slugs = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|list| list["slug"].as_str().unwrap().to_owned()).collect()
    };
    let token = house.token(Role::Admin, &[Right::Read]).await;
    let first = get(&house, &token, "/lists?limit=3").await;
    assert_eq!(slugs(&first), [NEWS, "one", "two"]);
    let rest = get(&house, &token, &format!("/lists?after={}", first["next"].as_str().unwrap())).await;
    assert_eq!((slugs(&rest), &rest["next"]), (vec!["three".to_owned()], &Value::Null));
    let of_one = house.token_for(Role::Admin, &[Right::Read], Some(&[2])).await;
    assert_eq!(slugs(&get(&house, &of_one, "/lists").await), ["one"]);
    let of_none = house.token(Role::Admin, &[Right::Trail]).await;
    super::problem(ask(&house, &of_none, Method::GET, "/lists", None).await, 403, "forbidden").await;
    house.close_with_waiting_letters().await;
}

/// Whether a value is as its schema says, as far as ours go.
fn check(document: &Value, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = document.pointer(reference.trim_start_matches('#')).expect("a schema");
        return check(document, schema, value, at, faults);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        check(document, part, value, at, faults);
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        many => many.as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
    };
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !types.is_empty() && !types.contains(&is) {
        faults.push(format!("{at} is {is}, and was to be {types:?}"));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            faults.push(format!("{at} has no {name}"));
        }
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value.get(name) {
            check(document, schema, value, &format!("{at}.{name}"), faults);
        }
    }
    for item in value.as_array().into_iter().flatten() {
        check(document, &schema["items"], item, &format!("{at}[]"), faults);
    }
}
