//! What a client wishes for: page or JSON, and in which language.

use reqwest::Method;
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE};
use serde_json::{Value, json};

use super::{browser, done, page, program};
use crate::house::pages::way_back;
use crate::house::{House, NEWS, languages, link};

#[tokio::test]
async fn a_list_is_shown_as_a_page_unless_json_is_preferred() {
    let house = House::open().await;
    for accept in ["*/*", "text/html", "text/html, application/json;q=0.9", "image/png", ""] {
        let request = house.request(Method::GET, "/lists/news").header(ACCEPT, accept);
        page(request.send().await.unwrap(), 200, "en").await;
    }
    // None at all: over a bare connection, since our client always sends one.
    let bare = bare_get(&house, "/lists/news").await;
    assert!(bare.starts_with("HTTP/1.1 200 ") && bare.contains("<html lang=\"en\">"), "{bare}");

    for accept in ["application/json", "application/json, */*", "text/html;q=0.5, application/json"] {
        let request = house.request(Method::GET, "/lists/news").header(ACCEPT, accept);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/json");
    }
    house.close().await;
}

async fn bare_get(house: &House, path: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(house.url.trim_start_matches("http://")).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_list_in_json_says_what_a_form_needs() {
    let house = House::open().await;
    let answer = program(&house, Method::GET, "/lists/news", "de").send().await.unwrap();
    let mut list: Value = answer.json().await.unwrap();
    let (_, notice) = house.app.store.find_list(NEWS).await.unwrap().unwrap();
    assert_eq!(
        list["notice"].take(),
        json!({
            "version": 1,
            "purpose": 1,
            "published_at": notice.published_at,
            "lang": "de",
            "languages": languages(),
            "text": notice.text_in("de").1,
            "sha256": data_encoding::HEXLOWER.encode(&notice.sha256),
            "url": "/lists/news/notices/1?lang=de",
        })
    );
    let fields = list["fields"].take();
    assert_eq!(
        list,
        json!({ "slug": "news", "title": "Neues aus Musterstadt", "lang": "de", "notice": null, "fields": null })
    );
    let fields: Vec<Value> = fields
        .as_array()
        .unwrap()
        .iter()
        .map(|field| json!([field["name"], field["type"], field["required"], field["label"]]))
        .collect();
    assert_eq!(
        fields,
        [json!(["name", "text", false, "Name"]), json!(["country", "country", false, "Land"])]
    );
    house.close().await;
}

#[tokio::test]
async fn the_language_is_the_one_chosen_else_the_browsers_else_the_lists() {
    let house = House::open().await;
    let mut wishes: Vec<(String, String, String)> = Vec::new();
    for lang in languages() {
        let other = if lang == "en" { "de" } else { "en" };
        let wish = |query: &str, accept: &str, spoken: &str| {
            let said = |text: &str| text.replace("LANG", &lang).replace("OTHER", other);
            (said(query), said(accept), said(spoken))
        };
        wishes.extend([
            wish("", "LANG-AT", "LANG"),
            wish("", "LANG-AT, OTHER;q=0.5", "LANG"),
            wish("", "xx, LANG;q=0.2, OTHER;q=0.9", "OTHER"),
            wish("?lang=LANG", "OTHER", "LANG"),
            wish(&format!("?lang={}-ch", lang.to_uppercase()), "OTHER", "LANG"),
            wish("?lang=xx", "LANG", "LANG"),
            wish("?lang=%FF", "LANG", "LANG"),
            // The list's own.
            wish("", "xx", "en"),
            wish("", "", "en"),
        ]);
    }
    for (query, accept, lang) in &wishes {
        for path in ["/lists/news", "/lists/news/leave", "/lists/news/notice", "/lists/news/notices/1"] {
            let request = house.request(Method::GET, &format!("{path}{query}"));
            page(request.header(ACCEPT_LANGUAGE, accept).send().await.unwrap(), 200, lang).await;
        }
        let request = house.request(Method::GET, &format!("/lists/news{query}"));
        let request = request.header(ACCEPT, "application/json").header(ACCEPT_LANGUAGE, accept);
        let list: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(list["lang"], *lang, "{query} {accept}");
    }
    house.close().await;
}

#[tokio::test]
async fn a_program_signs_up_and_the_letter_speaks_the_persons_language() {
    let house = House::open().await;
    let body =
        json!({ "email": "ann@example.org", "consent": true, "notice": 1, "lang": "de", "fields": {} });
    let answer = house.http.post(format!("{}/lists/news", house.url)).json(&body).send().await.unwrap();
    done(answer, 202, "check_your_mail").await;
    let letter = house.letter("ann@example.org").await;
    let list = ("list", "Neues aus Musterstadt");
    assert_eq!(letter.subject, house.say("de", "letter.confirmation.subject", &[list]));
    assert_eq!(house.count("SELECT count(*) FROM subscriptions WHERE lang = 'de'").await, 1);
    house.close().await;
}

/// A house whose list speaks `own` where nobody wishes for anything else.
async fn house_that_speaks(own: &str) -> House {
    let house = House::open().await;
    house.set_options(NEWS, json!({ "lang": own })).await;
    house
}

#[tokio::test]
async fn a_signup_is_in_the_language_of_its_form_else_the_browsers_else_the_lists() {
    for own in languages() {
        let house = house_that_speaks(&own).await;
        for (n, lang) in languages().iter().enumerate() {
            let other = if lang == "sv" { "de" } else { "sv" };
            for (m, (form, accept, spoken)) in
                [(&**lang, other, &**lang), ("", lang, lang), ("xx", lang, lang), ("", "xx", &own)]
                    .into_iter()
                    .enumerate()
            {
                let email = format!("reader-{n}-{m}@example.org");
                let sent = [("email", &*email), ("consent", "yes"), ("notice", "1"), ("lang", form)];
                // A form of somebody's own may say nothing of its language.
                let sent: Vec<_> = sent.into_iter().filter(|(_, value)| !value.is_empty()).collect();
                let request = browser(&house, Method::POST, "/lists/news", accept).form(&sent);
                page(request.send().await.unwrap(), 200, spoken).await;
                let letter = house.letter(&email).await;
                assert!(letter.html.contains(&format!("<html lang=\"{spoken}\">")), "{form} {accept} {own}");
                assert!(letter.text.starts_with(&house.say(spoken, "letter.salutation", &[])));
            }
        }
        house.close().await;
    }
}

/// Each page that follows a signup: what leads there, and by which method.
async fn later_pages(house: &House, email: &str, accept: &str, query: &str, lang: &str) {
    let ask = async |method: Method, door: &str, form: &[(&str, &str)]| {
        let request = browser(house, method, &format!("{door}{query}"), accept);
        page(request.form(form).send().await.unwrap(), 200, lang).await
    };
    let letter = house.letter(email).await;
    let (confirm, not_me) = (link(&letter.text, "/c/"), link(&letter.text, "/n/"));
    ask(Method::GET, &confirm, &[]).await;
    ask(Method::GET, &not_me, &[]).await;
    ask(Method::POST, &confirm, &[]).await;
    ask(Method::POST, &confirm, &[]).await;
    ask(Method::POST, &not_me, &[]).await;
    let leave = house.unsubscribe_url(email).await;
    ask(Method::GET, &leave, &[]).await;
    let left = ask(Method::POST, &leave, &[("from", "page")]).await;
    ask(Method::POST, "/undo", &[("undo", &way_back(&left).unwrap())]).await;
}

#[tokio::test]
async fn the_language_of_a_signup_is_kept_for_all_that_follows_unless_another_is_chosen() {
    let house = House::open().await;
    for lang in languages() {
        let other = if lang == "ru" { "de" } else { "ru" };
        let chosen = format!("?lang={other}");
        // What is chosen comes first; what cannot be spoken does not count.
        for (n, (query, spoken)) in
            [("", &*lang), (&*chosen, other), ("?lang=xx", &*lang)].into_iter().enumerate()
        {
            let email = format!("{lang}-{n}@example.org");
            let form = [("email", &*email), ("consent", "yes"), ("notice", "1"), ("lang", &lang)];
            page(house.post("/lists/news", &form).await, 200, &lang).await;
            later_pages(&house, &email, other, query, spoken).await;
        }
    }
    house.close().await;
}

#[tokio::test]
async fn whose_language_an_operator_took_away_is_spoken_to_in_the_next_best() {
    let house = house_that_speaks("sv").await;
    house.sign_up("ann@example.org").await;
    house.letter("ann@example.org").await;
    house.execute("UPDATE subscriptions SET lang = 'tlh'").await;
    later_pages(&house, "ann@example.org", "ru", "", "ru").await;
    house.sign_up("ann@example.org").await;
    let already = house.letters("ann@example.org", 2).await.pop().unwrap();
    assert!(already.html.contains("<html lang=\"sv\">"), "{}", already.html);
    house.close().await;
}
