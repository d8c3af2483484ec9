//! What docs/FORMS.md tells people to copy is sent here to a real house, name by name.

use std::collections::BTreeMap;
use std::fs;

use regex::Regex;
use reqwest::header::ORIGIN;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::{SITE, house};
use crate::house::pages::{anchors, decoded};
use crate::house::{House, NEWS, languages};

const PUBLIC: &str = "https://newsletter.example.org";

fn guide() -> String {
    fs::read_to_string("docs/FORMS.md").unwrap()
}

/// The blocks of code in a language.
fn blocks(language: &str) -> Vec<String> {
    let block = Regex::new(&format!("(?s)```{language}\n(.*?)```")).unwrap();
    block.captures_iter(&guide()).map(|found| found[1].to_owned()).collect()
}

/// The attributes of each element of this name.
fn elements(html: &str, name: &str) -> Vec<BTreeMap<String, String>> {
    let element = Regex::new(&format!(r"<{name}\b([^>]*)>")).unwrap();
    let attribute = Regex::new(r#"([a-z]+)(?:="([^"]*)")?"#).unwrap();
    let attributes = |text: &str| {
        let found = attribute.captures_iter(text);
        found.map(|of| (of[1].to_owned(), of.get(2).map_or(String::new(), |of| of.as_str().into()))).collect()
    };
    element.captures_iter(html).map(|found| attributes(&found[1])).collect()
}

/// What a browser would send: what is hidden, the address and the name as typed, the box ticked.
fn filled_in(html: &str) -> Vec<(String, String)> {
    let typed = |input: &BTreeMap<String, String>| match input["name"].as_str() {
        "email" => "ann@example.org".to_owned(),
        "name" => "Ann O'Hara".to_owned(),
        _ => input["value"].clone(),
    };
    elements(html, "input").iter().map(|input| (input["name"].clone(), typed(input))).collect()
}

/// The path that a form of the guide posts to.
fn door(html: &str) -> String {
    let form = &elements(html, "form")[0];
    assert_eq!(form["method"], "post");
    form["action"].strip_prefix(PUBLIC).expect("it posts to the service").to_owned()
}

async fn post(house: &House, html: &str) -> Response {
    let request = house.request(Method::POST, &door(html)).header(ORIGIN, SITE);
    request.form(&filled_in(html)).send().await.unwrap()
}

#[tokio::test]
async fn the_form_to_copy_signs_people_up_and_goes_on_working_in_two_steps() {
    let house = house().await;
    let form = blocks("html").remove(0);
    assert_eq!(post(&house, &form).await.status(), 200);
    house.letter("ann@example.org").await;
    let person = house.persons().await.pop().unwrap();
    assert_eq!((person.address.as_str(), person.profile["name"].as_str()), ("ann@example.org", "Ann O'Hara"));

    house.publish("The same, told better.", false).await;
    let again = post(&house, &form).await;
    assert_eq!(again.status(), 409);
    let html = decoded(&again.text().await.unwrap());
    assert!(html.contains("value=\"Ann O'Hara\"") && html.contains("name=\"notice\" value=\"2\""), "{html}");
    house.close().await;
}

#[tokio::test]
async fn the_form_to_copy_can_be_used_by_everybody_and_ticks_nothing_in_advance() {
    let house = house().await;
    let form = blocks("html").remove(0);
    assert!(!form.contains("<script") && !form.contains("checked"));
    let labels: Vec<String> = elements(&form, "label").iter().map(|label| label["for"].clone()).collect();
    let (hidden, seen): (Vec<_>, Vec<_>) =
        elements(&form, "input").into_iter().partition(|input| input["type"] == "hidden");
    assert_eq!(hidden.iter().map(|input| input["name"].as_str()).collect::<Vec<_>>(), ["notice", "lang"]);
    assert_eq!(seen.iter().map(|input| &input["id"]).collect::<Vec<_>>(), labels.iter().collect::<Vec<_>>());
    let required: Vec<&str> = seen
        .iter()
        .filter(|input| input.contains_key("required"))
        .map(|input| input["name"].as_str())
        .collect();
    assert_eq!(required, ["email", "consent"]);
    assert_eq!((form.matches("(required)").count(), form.matches("(optional)").count()), (2, seen.len() - 2));

    // It leads to the very version that it names.
    let link = anchors(&form).remove(0);
    assert_eq!(link, format!("{PUBLIC}{}/notices/{}?lang=en", door(&form), hidden[0]["value"]));
    assert_eq!(house.get(link.strip_prefix(PUBLIC).unwrap()).await.status(), 200);
    house.close().await;
}

#[tokio::test]
async fn the_script_to_copy_sends_what_the_json_door_takes_and_reads_what_it_says() {
    let house = house().await;
    let html = blocks("html");
    let script = html.iter().find(|block| block.contains("<script")).unwrap();
    // What it sends, in the order in which it is written.
    let sent = Regex::new(r"JSON\.stringify\(\{ (.*?) \}\)").unwrap().captures(script).unwrap()[1].to_owned();
    let typed: BTreeMap<String, String> = filled_in(&html[0]).into_iter().collect();
    let taken = Regex::new(r"const \{ (.*), \.\.\.fields \} = Object\.fromEntries").unwrap();
    let taken = taken.captures(script).unwrap()[1].to_owned();
    let taken: Vec<&str> = taken.split(", ").collect();
    let rest = typed.iter().filter(|(name, _)| !taken.contains(&name.as_str()));
    let value = |member: &str| -> (String, Value) {
        let (name, how) = member.split_once(": ").unwrap_or((member, ""));
        let value = match (name, how) {
            ("fields", "") => json!(rest.clone().collect::<BTreeMap<_, _>>()),
            (_, "") => json!(typed[name]),
            ("consent", "consent === \"yes\"") => json!(typed["consent"] == "yes"),
            ("notice", "Number(notice)") => json!(typed["notice"].parse::<u32>().unwrap()),
            _ => panic!("this test does not know {member}"),
        };
        (name.to_owned(), value)
    };
    let body = Value::Object(sent.split(", ").map(value).collect());
    assert!(script.contains("\"Content-Type\": \"application/json\"") && script.contains("method: \"POST\""));
    let post = async |body: &Value| {
        let request =
            house.request(Method::POST, &door(&html[0])).header(ORIGIN, SITE).header("accept", "*/*");
        request.json(body).send().await.unwrap()
    };
    let answer = post(&body).await;
    assert_eq!(answer.status(), 202, "{body}");
    assert_eq!(answer.headers()["access-control-allow-origin"], SITE);
    house.letter("ann@example.org").await;
    assert_eq!(house.persons().await.pop().unwrap().profile["name"], "Ann O'Hara");

    // Where it looks for what is wrong, that is.
    let mut wrong = body.clone();
    wrong["email"] = json!("ann");
    let told: Value = post(&wrong).await.json().await.unwrap();
    assert!(
        script.contains("told.errors?.map((error) => error.detail)") && script.contains("|| told.detail")
    );
    assert_eq!(told["errors"][0]["detail"], house.say("en", "problem.email.invalid", &[]));
    house.publish("The same, told better.", false).await;
    assert!(script.contains("answer.status === 409"));
    assert_eq!(post(&body).await.status(), 409);
    house.close_list(NEWS).await;
    let told: Value = post(&body).await.json().await.unwrap();
    assert!(told["errors"].is_null() && told["detail"].is_string());
    house.close().await;
}

#[tokio::test]
async fn the_shortcode_sends_the_same_names_in_every_language() {
    let house = house().await;
    let shortcode = blocks("html").into_iter().find(|block| block.contains(".Get")).unwrap();
    for (lang, other) in [("en", "if eq"), ("de", "else")] {
        let html = shortcode.replace("{{ $list }}", &format!("{PUBLIC}/lists/news"));
        let html = html.replace("{{ $notice }}", "1").replace("{{ $lang }}", lang);
        assert!(html.contains(other));
        assert_eq!(post(&house, &html).await.status(), 200);
        let sent: Vec<String> = filled_in(&html).into_iter().map(|(name, _)| name).collect();
        assert_eq!(sent, ["notice", "lang", "email", "consent"]);
        assert!(anchors(&html).contains(&format!("{PUBLIC}/lists/news/notices/1?lang={lang}")));
        house.all_letters().await;
        house.advance(jiff::SignedDuration::from_mins(10));
    }
    let langs = "SELECT count(*) FROM subscriptions WHERE lang = 'de'";
    assert_eq!(house.count(langs).await, 1, "the second took the place of the first");
    house.close().await;
}

#[tokio::test]
async fn the_options_in_the_guide_are_taken_as_they_stand() {
    let house = house().await;
    let file = |options: &[String]| {
        let example = include_str!("../../../examples/news.toml");
        let options: String = options.iter().map(|block| block.replace("[list]\n", "")).collect();
        example.replacen("[list]\n", &format!("[list]\n{options}"), 1)
    };
    let options = blocks("toml");
    assert_eq!(options.len(), 2);
    let spoken = languages();
    let codes: Vec<&str> = spoken.iter().map(String::as_str).collect();
    let list = optin::consent::list_file::ListFile::parse(&file(&options), &codes).unwrap();
    assert_eq!(list.options.origins, [SITE]);
    for pages in [&list.options.after_signup, &list.options.after_confirm] {
        assert!(pages.keys().eq(&spoken), "a page in every language: {pages:?}");
    }
    house.close().await;
}
