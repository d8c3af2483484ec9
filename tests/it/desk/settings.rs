//! A list's file, checked and applied at the desk.

use optin::consent::operator::Role;
use regex::Regex;
use reqwest::StatusCode;

use crate::house::House;
use crate::house::desk::AtDesk;
use crate::house::pages::decoded;

const PATH: &str = "/desk/lists/news/settings";

/// What stands in the page's form: its text, and how the list was.
fn form(html: &str) -> (String, String) {
    let text = Regex::new("(?s)<textarea[^>]*>\n(.*?)</textarea>").unwrap();
    let base = Regex::new("name=\"base\" value=\"([0-9a-f]{64})\"").unwrap();
    (decoded(&text.captures(html).unwrap()[1]), base.captures(html).unwrap()[1].to_owned())
}

async fn press(
    desk: &AtDesk<'_>,
    page: &str,
    text: &str,
    act: &str,
    notice_is: &str,
) -> (StatusCode, String) {
    let base = form(page).1;
    let entered = [("text", text), ("base", base.as_str()), ("act", act), ("notice_is", notice_is)];
    let answer = desk.press(page, PATH, &entered).await;
    (answer.status(), answer.text().await.unwrap().replace("&#x2f;", "/"))
}

async fn settings_on_record(house: &House) -> usize {
    let records = house.app.store.access_records(&[1], i64::MAX, 100).await.unwrap();
    records.iter().filter(|record| record.act == "settings").count()
}

#[tokio::test]
async fn a_draft_is_checked_seen_and_applied_once_it_is_said_what_the_notice_is() {
    let house = House::open().await;
    let desk = house.at_desk(Role::Admin).await;
    let page = desk.get(PATH).await;
    let (text, _) = form(&page);

    let (status, html) =
        press(&desk, &page, &text.replace("pending_ttl_hours = 72", "pending_ttl_hours = 0"), "apply", "")
            .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(html.contains("<code>list.pending_ttl_hours</code>"), "{html}");
    let (status, html) = press(&desk, &page, &text.replacen("news", "other", 1), "apply", "").await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && html.contains("<code>slug</code>"), "{html}");

    let draft = text.replace("pending_ttl_hours = 72", "pending_ttl_hours = 48");
    let draft = draft.replacen("Sampletown News", "Sampletown <i>Post</i>", 1);
    let (status, html) = press(&desk, &page, &draft, "check", "").await;
    assert_eq!(status, StatusCode::OK, "{html}");
    assert!(html.contains("<del>72</del>") && html.contains("<ins>48</ins>"), "{html}");
    assert!(html.contains("&lt;i&gt;Post&lt;/i&gt;") && !html.contains("<i>Post"), "{html}");
    assert_eq!(form(&html).0, draft, "what was entered is still there");
    let (list, _) = house.app.store.find_list("news").await.unwrap().unwrap();
    assert_eq!(list.options.pending_ttl_hours, 72, "nothing is changed by looking");
    let (status, html) = press(&desk, &page, &draft, "look-de", "").await;
    assert!(
        status == StatusCode::OK && html.contains("<html lang=\"de\">") && html.contains("id=\"consent\""),
        "{html}"
    );
    assert_eq!(settings_on_record(&house).await, 0);

    let (status, html) = press(&desk, &page, &draft, "apply", "").await;
    assert!(status == StatusCode::OK && html.contains("The list is changed."), "{html}");
    let (list, notice) = house.app.store.find_list("news").await.unwrap().unwrap();
    assert_eq!((list.options.pending_ttl_hours, notice.version), (48, 1));
    assert_eq!(settings_on_record(&house).await, 1);

    // Another text of the notice: a correction, or a new purpose?
    let page = desk.get(PATH).await;
    let new = form(&page).0.replacen("purpose = \"", "purpose = \"Hear, hear! ", 1);
    let (status, html) = press(&desk, &page, &new, "apply", "").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(html.contains("say below whether") && html.contains("<ins>"), "{html}");
    let (status, html) = press(&desk, &page, &new, "apply", "purpose").await;
    assert!(status == StatusCode::OK && html.contains("version 2 now"), "{html}");
    let (_, notice) = house.app.store.find_list("news").await.unwrap().unwrap();
    assert_eq!((notice.version, notice.purpose), (2, 2));
    house.close().await;
}

#[tokio::test]
async fn what_somebody_else_changed_meanwhile_is_not_overwritten() {
    let house = House::open().await;
    let desk = house.at_desk(Role::Admin).await;
    let page = desk.get(PATH).await;
    let draft = form(&page).0.replace("pending_ttl_hours = 72", "pending_ttl_hours = 48");
    house.set_options("news", serde_json::json!({ "feed_days": 7 })).await;
    let (status, html) = press(&desk, &page, &draft, "apply", "").await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(html.contains("Somebody else has changed this list"), "{html}");
    let (list, _) = house.app.store.find_list("news").await.unwrap().unwrap();
    assert_eq!((list.options.pending_ttl_hours, list.options.feed_days), (72, 7));
    assert!(html.contains("<del>7</del>"), "what applying would undo is seen: {html}");
    // Whoever has seen that may.
    let (status, _) = press(&desk, &html, &draft, "apply", "").await;
    assert_eq!(status, StatusCode::OK);
    let (status, html) =
        press(&desk, &desk.get(PATH).await, &form(&desk.get(PATH).await).0, "apply", "").await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && html.contains("just so already"), "{html}");
    house.close().await;
}

#[tokio::test]
async fn a_file_of_a_long_notice_fits_and_one_that_is_longer_still_does_not() {
    let house = House::open().await;
    let desk = house.at_desk(Role::Admin).await;
    let page = desk.get(PATH).await;
    let long = format!("{}\n# {}", form(&page).0, "x".repeat(100_000));
    assert_eq!(press(&desk, &page, &long, "check", "").await.0, StatusCode::OK);
    let too_long = format!("{}\n# {}", form(&page).0, "x".repeat(300_000));
    assert_eq!(press(&desk, &page, &too_long, "check", "").await.0, StatusCode::PAYLOAD_TOO_LARGE);
    // Other doors take no more than before.
    let answer = desk.post("/desk/lists/news/trail", &[("x", &"x".repeat(100_000))]).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    house.close().await;
}

#[tokio::test]
async fn a_closed_list_stays_as_it_is() {
    let house = House::open().await;
    house.close_list("news").await;
    let desk = house.at_desk(Role::Admin).await;
    let page = desk.get(PATH).await;
    let draft = form(&page).0.replace("pending_ttl_hours = 72", "pending_ttl_hours = 48");
    let (status, html) = press(&desk, &page, &draft, "apply", "").await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && html.contains("closed for ever"), "{html}");
    let (list, _) = house.app.store.find_list("news").await.unwrap().unwrap();
    assert_eq!(list.options.pending_ttl_hours, 72);
    house.close().await;
}
