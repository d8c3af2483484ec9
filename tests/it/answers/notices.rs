//! The notice's own pages: every version, in every language, and who leads there.

use optin::app::App;
use optin::consent::notice::NoticeText;
use optin::store::NextNotice;
use reqwest::Method;
use serde_json::{Value, json};

use super::{browser, page, problem, program};
use crate::house::pages::{anchors, decoded};
use crate::house::{House, NEWS, languages, link};

async fn in_json(house: &House, path: &str) -> Value {
    let answer = program(house, Method::GET, path, "en").send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"application/json".parse().unwrap())
    );
    answer.json().await.unwrap()
}

#[tokio::test]
async fn a_notice_tells_its_version_date_purpose_and_hash_and_leads_to_all_others() {
    let house = House::open().await;
    house.publish("The same, told better.", false).await;
    house.publish("Something else.", true).await;
    for lang in ["en", "de"] {
        for (path, version, purpose) in
            [("notice", 3, 2), ("notices/1", 1, 1), ("notices/2", 2, 1), ("notices/3", 3, 2)]
        {
            let path = format!("/lists/news/{path}?lang={lang}");
            let (list, _) = house.app.store.find_list(NEWS).await.unwrap().unwrap();
            let notice = house.app.store.find_notice(list.number, version).await.unwrap().unwrap();
            let sha256 = data_encoding::HEXLOWER.encode(&notice.sha256);
            let date = house.app.templates.words().date(lang, notice.published_at).unwrap();

            let html = decoded(&page(house.get(&path).await, 200, lang).await);
            let text = notice.text_in(lang).1;
            for paragraph in text.split("\n\n") {
                assert!(html.contains(&format!("<p>{paragraph}</p>")), "{path} lacks {paragraph}: {html}");
            }
            let number = house.say(lang, "notice.purpose_number", &[("number", &purpose.to_string())]);
            for fact in [&version.to_string(), &date, &number, &format!("<code>{sha256}</code>")] {
                assert!(html.contains(&format!("<dd>{fact}</dd>")), "{path} lacks {fact}: {html}");
            }
            let state = if version == 3 { "notice.current" } else { "notice.earlier" };
            assert!(html.contains(&house.say(lang, state, &[])), "{path}: {html}");
            let mut links = vec![format!("/lists/news?lang={lang}"), "?lang=de".into(), "?lang=en".into()];
            links.extend((1..=3).map(|other| format!("/lists/news/notices/{other}?lang={lang}")));
            links.extend((version < 3).then(|| format!("/lists/news/notice?lang={lang}")));
            for link in &links {
                assert!(anchors(&html).contains(link), "{path} does not lead to {link}: {html}");
            }

            let told = in_json(&house, &path).await;
            let versions: Vec<&Value> =
                told["versions"].as_array().unwrap().iter().map(|of| &of["version"]).collect();
            assert_eq!(versions, [3, 2, 1]);
            assert_eq!(told["is_current"], version == 3);
            assert_eq!(
                told["notice"],
                json!({
                    "version": version, "purpose": purpose, "published_at": notice.published_at, "lang": lang,
                    "languages": languages(), "text": text, "sha256": sha256,
                    "url": format!("/lists/news/notices/{version}?lang={lang}"),
                })
            );
        }
    }
    house.close().await;
}

#[tokio::test]
async fn a_language_that_a_text_does_not_have_falls_back_and_the_page_says_what_it_speaks() {
    let house = House::open().await;
    let (list, current) = house.app.store.find_list(NEWS).await.unwrap().unwrap();
    let mut texts = current.texts().clone();
    let german: NoticeText = texts.remove("de").unwrap();
    texts.insert("fr".into(), NoticeText { purpose: "Pour écrire à vous.".into(), ..german });
    let next = Some(NextNotice { texts, new_purpose: false });
    let (now, random) = (house.clock.now(), App::random());
    assert!(house.app.store.change_list(&list, &current, &list.options, next, now, random).await.unwrap());

    // There are no German words under the second version, and no words of ours in French at all.
    for (path, wish, lang) in [
        ("notices/2", "de", "en"),
        ("notices/2", "fr", "en"),
        ("notices/1", "de", "de"),
        ("notices/1", "fr", "en"),
    ] {
        let path = format!("/lists/news/{path}?lang={wish}");
        let html = page(browser(&house, Method::GET, &path, wish).send().await.unwrap(), 200, lang).await;
        assert!(html.contains(&format!("<div lang=\"{lang}\">")), "{path}: {html}");
        assert_eq!(in_json(&house, &path).await["notice"]["lang"], lang, "{path}");
        assert_eq!(
            html.contains("hreflang=\"de\""),
            path.contains("notices/1"),
            "{path} offers what there is: {html}"
        );
    }
    // Who signed up in German is shown the new text in another language, and the page says so of the text alone.
    let form = [("email", "ann@example.org"), ("consent", "yes"), ("notice", "2"), ("lang", "en")];
    page(house.post("/lists/news", &form).await, 200, "en").await;
    let confirm = link(&house.letter("ann@example.org").await.text, "/c/");
    let html = page(house.get(&format!("{confirm}?lang=de")).await, 200, "de").await;
    assert!(html.contains("<div lang=\"en\">"), "{html}");
    house.close().await;
}

#[tokio::test]
async fn a_version_that_is_none_is_said_so_and_leads_to_the_current_one() {
    let house = House::open().await;
    for version in ["2", "0", "01", "+1", "1.0", "one", "4294967295", "99999999999999999999", "%31x", "-1"] {
        let path = format!("/lists/news/notices/{version}");
        for lang in ["en", "de"] {
            let answer = browser(&house, Method::GET, &path, lang).send().await.unwrap();
            let html = decoded(&page(answer, 404, lang).await);
            assert!(html.contains(&house.say(lang, "refusal.unknown_notice.title", &[])), "{path}: {html}");
            assert!(anchors(&html).contains(&"/lists/news/notice".to_owned()), "{path}: {html}");
            let told = program(&house, Method::GET, &path, lang).send().await.unwrap();
            assert_eq!(problem(told, 404, "unknown_notice").await["notice_url"], "/lists/news/notice");
        }
    }
    for path in ["/lists/nothing/notice", "/lists/nothing/notices/1"] {
        problem(program(&house, Method::GET, path, "en").send().await.unwrap(), 404, "unknown_list").await;
    }
    house.close().await;
}

#[tokio::test]
async fn whoever_is_asked_or_has_agreed_is_led_to_the_text_in_their_own_language() {
    let house = House::open().await;
    let form = [("email", "ann@example.org"), ("consent", "yes"), ("notice", "1"), ("lang", "de")];
    page(house.post("/lists/news", &form).await, 200, "de").await;
    let letter = house.letter("ann@example.org").await;
    let agreed = "/lists/news/notices/1?lang=de";
    let whole = format!("{}{agreed}", house.url);
    assert!(letter.text.lines().any(|line| line == whole), "{}", letter.text);
    assert!(anchors(&letter.html).contains(&whole), "{}", letter.html);

    // By now there is a second version. Ann is led to hers, and a visitor to the newest.
    house.publish("The same, told better.", false).await;
    let leads = async |html: String, to: &str, what: &str| {
        assert!(anchors(&html).contains(&to.to_owned()), "{what} does not lead to {to}: {html}");
        page(house.get(to).await, 200, "de").await;
    };
    let stale = house.post("/lists/news", &form).await;
    let newest = "/lists/news/notices/2?lang=de";
    leads(stale.text().await.unwrap(), newest, "the form once more").await;
    leads(house.get("/lists/news?lang=de").await.text().await.unwrap(), newest, "the form").await;
    let confirm = link(&letter.text, "/c/");
    leads(house.get(&confirm).await.text().await.unwrap(), agreed, "the confirmation").await;
    leads(house.post(&confirm, &[]).await.text().await.unwrap(), agreed, "just confirmed").await;
    leads(house.post(&confirm, &[]).await.text().await.unwrap(), agreed, "confirmed before").await;
    // An unsubscribe link may have been forwarded: it tells nothing of Ann, not even when she agreed.
    let leave = house.get(&house.unsubscribe_url("ann@example.org").await).await.text().await.unwrap();
    assert!(!leave.contains("/notices/"), "{leave}");
    leads(leave, "/lists/news/notice?lang=de", "leaving").await;
    house.close().await;
}
