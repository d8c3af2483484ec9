//! The trail's page: where it stands, and whether it is whole.

use std::time::Duration;

use optin::consent::operator::Role;
use optin::journeys::desk::trail::{Reading, Verdict};
use optin::trail::note::Signer;
use reqwest::StatusCode;

use crate::house::{House, NEWS};

const PATH: &str = "/desk/lists/news/trail";

#[tokio::test]
async fn a_whole_trail_is_found_whole_and_each_damage_is_told() {
    let house = House::open().await;
    for n in 0..3 {
        house.subscribe(&format!("ann{n}@example.org")).await;
    }
    house.seal().await;
    let desk = house.at_desk(Role::Auditor).await;
    let page = desk.get(PATH).await;
    let trail = house.trail(NEWS).await;
    assert!(page.contains(trail.newest.checkpoint.lines().nth(2).unwrap()), "{page}");
    let verify = async || {
        let answer = desk.press(&page, PATH, &[]).await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.text().await.unwrap()
    };
    let html = verify().await;
    assert!(html.contains("<h2>Whole</h2>"), "{html}");
    assert!(html.contains(&format!("All {} entries", trail.newest.size)), "{html}");
    assert!(html.contains("<th scope=\"row\">confirmed</th><td class=\"number\">3</td>"), "{html}");

    let yes = house.count("SELECT min(index) FROM trail_entries WHERE get_byte(entry, 1) = 1").await;
    let damage = async |to: &str| {
        house.execute(&format!("UPDATE trail_entries SET entry = {to} WHERE index = {yes}")).await;
    };
    damage("set_byte(entry, 40, get_byte(entry, 40) # 1)").await;
    assert!(verify().await.contains("do not lead to the signed root"));
    damage("set_byte(set_byte(entry, 40, get_byte(entry, 40) # 1), 1, 99)").await;
    assert!(verify().await.contains("of event 99"));
    damage("set_byte(entry, 1, 1)").await;
    assert!(verify().await.contains("<h2>Whole</h2>"));
    house.execute("UPDATE trails SET checkpoint = replace(checkpoint, 'trails', 'trials')").await;
    assert!(verify().await.contains("the checkpoint: "));
    house.execute("UPDATE trails SET checkpoint = replace(checkpoint, 'trials', 'trails')").await;
    house.close().await;
}

#[tokio::test]
async fn a_verification_that_has_no_time_left_says_how_far_it_came() {
    let house = House::open().await;
    house.subscribe("ann@example.org").await;
    house.seal().await;
    let trail = house.trail(NEWS).await;
    let key = Signer::new(&trail.origin, house.app.keys.trail_seed()).unwrap().verifier();
    let reading = Reading::of(&house.app.store, 1, &trail, &key, Duration::ZERO).await.unwrap();
    let came = reading.size();
    assert_eq!((reading.verdict, came < trail.newest.size), (Verdict::OutOfTime, true));
    house.close().await;
}
