//! What can be done with one's data, and what it leaves in the trail.

use optin::trail::entry::{Entry, Event};
use reqwest::StatusCode;
use serde_json::json;

use super::ANN;
use crate::house::pages::{decoded, way_back};
use crate::house::{House, NEWS};

impl House {
    /// The persons' events in all logs, by kind: what waited together stands there in any order.
    pub async fn events(&self) -> Vec<Event> {
        self.seal().await;
        let rows =
            self.db().await.query("SELECT entry FROM trail_entries ORDER BY list, index", &[]).await.unwrap();
        let events = rows.iter().map(|row| Entry::read(row.get::<_, &[u8]>(0)).unwrap().event);
        let mut events: Vec<_> = events.filter(|event| event.is_a_persons()).collect();
        events.sort_by_key(|event| *event as u8);
        events
    }
}

#[tokio::test]
async fn p_msg_2_data_can_be_changed_and_supplemented_at_any_time() {
    let house = House::open().await;
    house.subscribe_to(NEWS, ANN, &[("name", "Ann")]).await;
    let my = house.my(ANN).await;
    house.press(&my, "save", &[("list", NEWS), ("field.name", "Anna"), ("field.country", "SE")]).await;
    let row = house.people(NEWS).await.remove(0);
    assert_eq!((&row["field_name"], &row["field_country"]), (&json!("Anna"), &json!("SE")));
    // A part that is left empty is erased with the rest as it is; whoever pauses can change as well.
    house.press(&my, "pause", &[("list", NEWS)]).await;
    house.press(&my, "save", &[("list", NEWS), ("field.name", " Åsa "), ("field.country", "")]).await;
    house.press(&my, "resume", &[("list", NEWS)]).await;
    let row = house.people(NEWS).await.remove(0);
    assert_eq!((&row["field_name"], &row["field_country"]), (&json!("Åsa"), &json!("")));
    assert_eq!(house.events().await, [Event::Confirmed, Event::Paused, Event::Resumed], "edits leave none");
    house.close().await;
}

#[tokio::test]
async fn p_msg_3_one_field_can_be_erased_alone() {
    let house = House::open().await;
    house.subscribe_to(NEWS, ANN, &[("name", "Annabella"), ("country", "SE")]).await;
    let my = house.my(ANN).await;
    let page = house.press(&my, "erase.name", &[("list", NEWS)]).await;
    assert!(!page.contains("Annabella"));
    let row = house.people(NEWS).await.remove(0);
    assert_eq!((&row["field_name"], &row["field_country"]), (&json!(""), &json!("SE")));
    let persons = house.persons().await;
    assert!(!serde_json::to_string(&persons).unwrap().contains("Annabella"), "nor is it under the seal");
    house.close().await;
}

#[tokio::test]
async fn p_msg_8_each_optional_field_can_be_kept_out_of_exports() {
    let house = House::open().await;
    house.subscribe_to(NEWS, ANN, &[("name", "Ann"), ("country", "SE")]).await;
    let my = house.my(ANN).await;
    let save = [("list", NEWS), ("field.name", "Ann"), ("field.country", "SE"), ("keep.name", "yes")];
    let page = house.press(&my, "save", &save).await;
    assert!(page.contains("name=\"keep.name\" type=\"checkbox\" value=\"yes\" checked"));
    for format in ["csv", "jsonl"] {
        let export = house.export(format).await;
        assert!(
            export.contains("SE") && !export.contains("\"Ann\"") && !export.contains(",Ann,"),
            "{export}"
        );
    }
    assert_eq!(house.told(&my).await["lists"][0]["fields"]["name"], "Ann", "it is still stored");
    house.press(&my, "save", &save[..3]).await;
    assert_eq!(house.people(NEWS).await[0]["field_name"], "Ann");
    house.close().await;
}

#[tokio::test]
async fn p_med_8_a_pause_is_off_the_very_next_export() {
    let house = House::open().await;
    house.subscribe_to(NEWS, ANN, &[]).await;
    house.subscribe_to(NEWS, "bob@example.org", &[]).await;
    let my = house.my(ANN).await;
    assert_eq!(house.people(NEWS).await.len(), 2);
    house.press(&my, "pause", &[("list", NEWS)]).await;
    assert_eq!(house.people(NEWS).await.len(), 1);
    // Twice is as once.
    house.press(&my, "pause", &[("list", NEWS)]).await;
    house.press(&my, "resume", &[("list", NEWS)]).await;
    house.press(&my, "resume", &[("list", NEWS)]).await;
    assert_eq!(house.people(NEWS).await.len(), 2);
    let events = house.events().await;
    assert_eq!(events.iter().filter(|event| **event == Event::Paused).count(), 1);
    assert_eq!(events.iter().filter(|event| **event == Event::Resumed).count(), 1);
    house.close().await;
}

#[tokio::test]
async fn one_list_is_left_and_the_way_leads_back_to_the_others_and_to_it() {
    let house = House::open().await;
    house.new_list("press", json!([])).await;
    house.subscribe_to(NEWS, ANN, &[]).await;
    house.subscribe_to("press", ANN, &[]).await;
    let my = house.my(ANN).await;
    let html = house.post(&my, &[("do", "leave"), ("list", NEWS)]).await.text().await.unwrap();
    assert!(house.people(NEWS).await.is_empty() && house.people("press").await.len() == 1);
    // The link was the left list's: it is dead, and the page has another.
    let gone = house.get(&my).await;
    assert_eq!(gone.status(), StatusCode::OK);
    assert!(!gone.text().await.unwrap().contains(ANN));
    let back = decoded(&html);
    let back = back.split("href=\"").find(|part| part.starts_with("/my/")).unwrap();
    let back = back.split('"').next().unwrap();
    assert_eq!(house.told(back).await["lists"].as_array().unwrap().len(), 1);
    assert_eq!(house.post("/undo", &[("undo", &way_back(&html).unwrap())]).await.status(), StatusCode::OK);
    assert_eq!(house.told(back).await["lists"].as_array().unwrap().len(), 2);
    house.close().await;
}

#[tokio::test]
async fn whoever_leaves_all_keeps_the_link_until_the_last_is_left() {
    let house = House::open().await;
    house.new_list("press", json!([])).await;
    house.subscribe_to(NEWS, ANN, &[]).await;
    house.subscribe_to("press", ANN, &[]).await;
    house.sign_up("bob@example.org").await;
    let my = house.my(ANN).await;
    // The other list's row cannot go: the link's own is still there, and so is the link.
    house
        .execute(
            "CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN IF OLD.list = 2 THEN RAISE EXCEPTION USING ERRCODE = 'XX000'; END IF; RETURN OLD; END $$;
         CREATE TRIGGER held BEFORE DELETE ON subscriptions FOR EACH ROW EXECUTE FUNCTION held()",
        )
        .await;
    assert_eq!(house.post(&my, &[("do", "leave_all")]).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    house.execute("DROP FUNCTION held CASCADE").await;
    assert_eq!(house.told(&my).await["lists"].as_array().unwrap().len(), 2);
    let html = house.post(&my, &[("do", "leave_all")]).await.text().await.unwrap();
    assert_eq!(html.matches("name=\"undo\"").count(), 2);
    assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 1, "Bob's");
    house.close().await;
}

#[tokio::test]
async fn what_a_list_no_longer_asks_for_is_shown_kept_and_can_be_erased() {
    let house = House::open().await;
    house.new_list("press", json!([{ "name": "job" }, { "name": "company" }])).await;
    house.subscribe_to("press", ANN, &[("job", "Baker"), ("company", "Mill")]).await;
    house.set_options("press", json!({ "fields": [{ "name": "company" }] })).await;
    let my = house.my(ANN).await;
    assert!(house.get(&my).await.text().await.unwrap().contains("Baker"));
    house.press(&my, "save", &[("list", "press"), ("field.company", "Bakery")]).await;
    assert_eq!(house.told(&my).await["lists"][0]["fields"], json!({ "company": "Bakery", "job": "Baker" }));
    house.press(&my, "erase.job", &[("list", "press")]).await;
    assert_eq!(house.told(&my).await["lists"][0]["fields"], json!({ "company": "Bakery" }));
    house.close().await;
}
