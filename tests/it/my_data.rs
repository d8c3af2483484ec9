//! A person's own page: what is held over all lists, and what they do with it.

mod acts;
mod correct;
mod file;
mod hostile;

use jiff::SignedDuration;
use optin::consent::address::Address;
use optin::token::{Purpose, Token};
use reqwest::header::ACCEPT;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::pages::decoded;
use crate::house::{House, NEWS, link};

const ANN: &str = "ann@example.org";

impl House {
    /// A data link to whatever is held under an address, which names its first list; as a letter would bring it.
    pub async fn my(&self, email: &str) -> String {
        let address = Address::parse(email).unwrap();
        let (list, id) = self.app.subscriptions_of(&address).await.unwrap().remove(0);
        let expiry = (self.app.clock.now() + SignedDuration::from_mins(60)).as_second();
        let token = Token { list: list.number, id, expiry: expiry.try_into().unwrap() };
        format!("/my/{}", self.app.links.tokens.mint(Purpose::Data, &token))
    }

    /// What the page tells a program.
    pub async fn told(&self, my: &str) -> Value {
        let answer = self.request(Method::GET, my).header(ACCEPT, "application/json").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.unwrap()
    }

    /// Presses a button of the page, and returns the page that comes.
    pub async fn press(&self, my: &str, act: &str, form: &[(&str, &str)]) -> String {
        let answer = self.post(my, &[&[("do", act)], form].concat()).await;
        assert_eq!(answer.status(), StatusCode::OK, "{act}");
        decoded(&answer.text().await.unwrap())
    }
}

#[tokio::test]
async fn p_cp_5_what_is_stored_is_shown_over_all_lists_put_right_erased_and_objected_to() {
    let house = House::open().await;
    house.new_list("press", json!([{ "name": "job" }])).await;
    house.new_list("late", json!([{ "name": "job" }])).await;
    house.new_list("other", json!([])).await;
    house.subscribe_to(NEWS, "Ann@Example.org", &[("name", "Ann O'Hara"), ("country", "IE")]).await;
    house.subscribe_to("press", ANN, &[("job", "Baker")]).await;
    house.subscribe_to("other", "bob@example.org", &[]).await;
    let form = [("email", ANN), ("consent", "yes"), ("notice", "1"), ("lang", "en"), ("job", "Potter")];
    house.post("/lists/late", &form).await;

    // She asks, and a letter brings the link. Opening it shows all, and changes nothing.
    house.all_letters().await;
    let rows = house.rows().await;
    assert_eq!(house.post("/my", &[("email", ANN)]).await.status(), StatusCode::OK);
    let letter = house.all_letters().await.pop().unwrap();
    let my = link(&letter.text, "/my/");
    house.execute("UPDATE subscriptions SET data_asked_at = NULL").await;
    let page = decoded(&house.get(&my).await.text().await.unwrap());
    assert_eq!(house.rows().await, rows, "looking changes nothing");
    for held in
        ["Ann@Example.org", "Ann O'Hara", "Baker", "Potter", "The press", "The late", "Sampletown News"]
    {
        assert!(page.contains(held), "{held}");
    }
    assert!(page.contains("<option value=\"IE\" selected>") && !page.contains("The other"));
    for part in ["registration", "authority"] {
        assert!(page.contains(house.say("en", &format!("footer.{part}"), &[("number", "")]).trim()));
    }
    let told = house.told(&my).await;
    let states: Vec<_> = told["lists"].as_array().unwrap().iter().map(|list| &list["state"]).collect();
    assert_eq!(states, ["active", "active", "pending"]);
    let news = &told["lists"][0];
    assert_eq!(news["notice"]["version"], 1);
    assert!(news["confirmed_at"].is_string() && news["origin"].is_null() && news["exported"]["times"] == 0);

    // Put right; erased; objected to; left.
    let save = [("list", "press"), ("field.job", "Miller"), ("lang", "de")];
    assert!(house.press(&my, "save", &save).await.contains("Miller"));
    let told = house.told(&my).await;
    assert_eq!(
        (&told["lists"][1]["fields"]["job"], &told["lists"][1]["lang"]),
        (&json!("Miller"), &json!("de"))
    );
    assert!(!house.press(&my, "erase.job", &[("list", "press")]).await.contains("Miller"));
    house.press(&my, "pause", &[("list", NEWS)]).await;
    assert!(house.people(NEWS).await.is_empty() && house.people("press").await.len() == 1);
    house.press(&my, "leave_all", &[]).await;
    assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 1, "Bob's");
    house.close().await;
}

#[tokio::test]
async fn p_med_7_access_correction_deletion_restriction_and_transfer_are_for_who_has_the_mailbox() {
    let house = House::open().await;
    let leave = house.subscribe(ANN).await;
    // The permanent link, which may have been forwarded, opens nothing and shows nothing.
    let token = leave.rsplit('/').next().unwrap();
    assert_eq!(house.get(&format!("/my/{token}")).await.status(), StatusCode::NOT_FOUND);
    assert!(!house.get(&leave).await.text().await.unwrap().contains(ANN));
    // A fresh link does, for an hour.
    house.post("/my", &[("email", ANN)]).await;
    let my = link(&house.letters(ANN, 2).await.pop().unwrap().text, "/my/");
    assert!(house.get(&my).await.text().await.unwrap().contains(ANN), "access");
    assert!(
        house.press(&my, "save", &[("list", NEWS), ("field.name", "Ann")]).await.contains("Ann"),
        "correction"
    );
    house.press(&my, "erase.name", &[("list", NEWS)]).await;
    assert_eq!(house.told(&my).await["lists"][0]["fields"], json!({}), "deletion");
    house.press(&my, "pause", &[("list", NEWS)]).await;
    assert!(house.people(NEWS).await.is_empty(), "restriction");
    let file = house.post(&my, &[("do", "download")]).await;
    assert_eq!(file.headers()["content-type"], "application/json");
    assert!(file.text().await.unwrap().contains(ANN), "transfer");
    house.advance(SignedDuration::from_mins(60));
    for answer in [house.get(&my).await, house.post(&my, &[("do", "leave_all")]).await] {
        assert_eq!(answer.status(), StatusCode::GONE);
        assert!(!answer.text().await.unwrap().contains(ANN));
    }
    assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 1);
    house.close().await;
}

#[tokio::test]
async fn how_often_somebody_was_exported_is_told_from_the_log() {
    let house = House::open().await;
    house.subscribe_to(NEWS, ANN, &[]).await;
    let my = house.my(ANN).await;
    let exported = async || {
        house.seal().await;
        house.told(&my).await["lists"][0]["exported"].clone()
    };
    assert_eq!(exported().await, json!({ "times": 0, "last": null, "read": null }));
    house.people(NEWS).await;
    let at = house.app.clock.now();
    house.press(&my, "pause", &[("list", NEWS)]).await;
    house.people(NEWS).await;
    assert_eq!(exported().await["times"], 1, "a pause keeps her out");
    house.press(&my, "resume", &[("list", NEWS)]).await;
    house.people(NEWS).await;
    let told = exported().await;
    assert_eq!(told["times"], 2);
    let hour = at.as_second() / 3600 * 3600;
    assert_eq!(told["last"], json!(jiff::Timestamp::from_second(hour).unwrap()));
    // Another's are not hers, and a new purpose keeps her off.
    house.publish("Something else from now on.", true).await;
    house.people(NEWS).await;
    assert_eq!(exported().await["times"], 2);
    house.close().await;
}
