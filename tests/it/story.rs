//! The tour: one subscription's whole life, over HTTP and SMTP, as its people live it.

use optin::trail::entry::{Event, ZEROS, commitment, opening};

use crate::house::{House, NEWS, link};

#[tokio::test]
async fn ann_signs_up_confirms_is_exported_leaves_and_is_forgotten() {
    let house = House::with_welcome().await;

    // Ann meets the form on a website. The box is empty; she ticks it.
    let page = house.get(&format!("/lists/{NEWS}?lang=en")).await.text().await.unwrap();
    assert!(page.contains("Sampletown News") && page.contains("Example Publishing"));
    let form = [
        ("email", "Ann@Example.org"),
        ("consent", "yes"),
        ("notice", "1"),
        ("lang", "en"),
        ("name", "Ann O'Hara"),
        ("country", "IE"),
    ];
    let answer = house.post(&format!("/lists/{NEWS}"), &form).await;
    assert_eq!(answer.status(), 200);

    // Nobody may write to her yet.
    assert_eq!(house.export("csv").await.lines().count(), 1);

    // A letter comes. She opens the link; that alone does nothing.
    let letter = house.letter("ann@example.org").await;
    let confirm = link(&letter.text, "/c/");
    assert_eq!(house.get(&confirm).await.status(), 200);
    assert_eq!(house.export("csv").await.lines().count(), 1);

    // She presses the button.
    assert_eq!(house.post(&confirm, &[]).await.status(), 200);

    // A letter welcomes her, and brings what proves that she said yes. She keeps it.
    let receipt = house.receipts("ann@example.org", 1).await.remove(0);
    let proven = receipt.check().unwrap();
    assert_eq!((proven.list, proven.event), (1, Event::Confirmed));

    // Now she is on the export, exactly as she typed herself.
    let csv = house.export("csv").await;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let row: std::collections::HashMap<String, String> = reader.deserialize().next().unwrap().unwrap();
    assert_eq!(row["email"], "Ann@Example.org");
    assert_eq!((row["field_name"].as_str(), row["field_country"].as_str()), ("Ann O'Hara", "IE"));
    assert_eq!(row["list_unsubscribe"], format!("<{}>", row["unsubscribe_url"]));
    assert_eq!(row["list_unsubscribe_post"], "List-Unsubscribe=One-Click");

    // Months later she has enough. Her mail program's button posts for her.
    let leave = &row["unsubscribe_url"];
    assert_eq!(house.get(leave).await.status(), 200);
    let one_click = reqwest::multipart::Form::new().text("List-Unsubscribe", "One-Click");
    let answer = house.http.post(leave).multipart(one_click).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().get("set-cookie").is_none() && answer.headers().get("location").is_none());

    // She is forgotten, and her own file still tells, against the log, that she came and that she left.
    house.seal().await;
    let entries = house.app.store.entries(1, 0, 100).await.unwrap();
    let opening = opening(receipt.secret().unwrap(), Event::Withdrawn, 0);
    let left = commitment(&opening, 1, Event::Withdrawn, &ZEROS);
    assert_eq!(entries.iter().filter(|entry| entry.ends_with(&left)).count(), 1);

    // The trail tells that somebody came and somebody left.
    assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 0);
    assert_eq!(house.count("SELECT count(*) FROM trail_entries WHERE get_byte(entry, 1) IN (1, 2)").await, 2);
    assert_eq!(house.export("csv").await.lines().count(), 1);
    assert_eq!(house.post(leave, &[]).await.status(), 200);

    house.close().await;
}
