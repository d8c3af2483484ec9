//! A list's exports, made at the desk.

use optin::consent::operator::Role;
use reqwest::StatusCode;
use reqwest::header::CONTENT_DISPOSITION;

use crate::house::{House, until};

const PATH: &str = "/desk/lists/news/exports";

#[tokio::test]
async fn an_export_made_at_the_desk_is_a_file_and_stands_in_the_history() {
    let house = House::open().await;
    house.subscribe("ann@example.org").await;
    let desk = house.at_desk(Role::Marketer).await;
    let page = desk.get(PATH).await;
    let answer = desk.press(&page, PATH, &[("format", "listmonk")]).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert!(
        answer.headers()[CONTENT_DISPOSITION].to_str().unwrap().starts_with("attachment; filename=\"news-")
    );
    let file = answer.text().await.unwrap();
    assert!(file.starts_with("email,") && file.contains("ann@example.org"), "{file}");
    until("a finished export in the history", async || {
        let page = desk.get(PATH).await;
        let row = page.lines().find(|line| line.contains("<td>listmonk</td>"));
        row.is_some_and(|row| row.contains(&desk.name) && row.contains("<td class=\"number\">1</td>"))
    })
    .await;
    let records = house.app.store.access_records(&[1], i64::MAX, 10).await.unwrap();
    assert!(records.iter().any(|record| record.act == "export" && record.operator == desk.name));
    let auditor = house.at_desk(Role::Auditor).await;
    assert!(
        !auditor.get(PATH).await.contains("<form method=\"post\" action=\"/desk/lists"),
        "nothing to press"
    );
    house.close().await;
}
