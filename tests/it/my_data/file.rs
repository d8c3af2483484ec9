//! Everything in one file, to take along.

use optin::consent::receipt::Receipt;
use optin::trail::entry::Event;
use serde_json::{Value, json};

use super::ANN;
use crate::house::{House, NEWS};

#[tokio::test]
async fn the_file_holds_everything_with_receipts_that_prove_themselves() {
    let house = House::open().await;
    house.new_list("press", json!([])).await;
    house.subscribe_to(NEWS, ANN, &[("name", "Ann")]).await;
    let form = [("email", ANN), ("consent", "yes"), ("notice", "1"), ("lang", "en")];
    house.post("/lists/press", &form).await;
    let my = house.my(ANN).await;
    let answer = house.post(&my, &[("do", "download")]).await;
    assert!(answer.headers()["content-disposition"].to_str().unwrap().contains("optin-data.json"));
    let file: Value = answer.json().await.unwrap();
    assert_eq!((&file["type"], &file["address"]), (&json!("optin-data/1"), &json!(ANN)));
    let [news, press] = &file["lists"].as_array().unwrap()[..] else { panic!("two lists") };
    assert_eq!(news["fields"], json!({ "name": "Ann" }));
    let record: Value = serde_json::from_str(news["record"].as_str().unwrap()).unwrap();
    assert_eq!(record["address"], ANN);
    let receipt = Receipt::parse(&serde_json::to_vec(&news["receipts"][0]).unwrap()).unwrap();
    assert_eq!(receipt.check().unwrap().event, Event::Confirmed);
    assert!(receipt.secret().is_some(), "it finds what she does later");
    assert_eq!((&press["state"], &press["receipts"]), (&json!("pending"), &json!([])));
    house.close().await;
}
