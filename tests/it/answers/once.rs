//! Signing up again: what changes, what is sent, and how often.

use futures_util::future::join_all;
use jiff::SignedDuration;

use super::Signup;
use crate::house::{House, NEWS, link};

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const TEN_MINUTES: SignedDuration = SignedDuration::from_mins(10);
const DAY: SignedDuration = SignedDuration::from_hours(24);

#[tokio::test]
async fn again_within_ten_minutes_changes_nothing_and_sends_nothing() {
    let house = House::open().await;
    house.sign_up("Ann@example.org").await;
    let before = house.rows().await;
    for email in ["Ann@example.org", "ann@EXAMPLE.org"] {
        house.sign_up(email).await;
    }
    house.advance(TEN_MINUTES - SECOND);
    house.sign_up("ann@example.org").await;
    let mut after = house.rows().await;
    // That somebody tried is counted, as it is of any address.
    assert_ne!(after.insert("tallies".into(), before["tallies"].clone()), before.get("tallies").cloned());
    assert_eq!(after, before);
    assert_eq!(house.all_letters().await.len(), 1);
    house.close().await;
}

#[tokio::test]
async fn again_after_ten_minutes_replaces_the_signup_and_kills_its_links() {
    let house = House::open().await;
    let form = [("email", "Ann@example.org"), ("consent", "yes"), ("notice", "1"), ("name", "Ann")];
    house.post("/lists/news", &form).await;
    let old = house.letter("ann@example.org").await;
    let (confirm, not_me) = (link(&old.text, "/c/"), link(&old.text, "/n/"));
    let row =
        "SELECT id, reference, address_key, confirmed_commitment, withdrawn_commitment, expires_at::text
               FROM subscriptions";
    let before = house.db().await.query_one(row, &[]).await.unwrap();
    let person = house.persons().await.pop().unwrap();

    house.all_letters().await;
    house.advance(TEN_MINUTES);
    house.sign_up("ann@Example.org").await;
    let new = house.letters("ann@example.org", 2).await.pop().unwrap();
    let after = house.db().await.query_one(row, &[]).await.unwrap();
    for column in ["id", "reference", "confirmed_commitment", "withdrawn_commitment"] {
        assert_ne!(before.get::<_, &[u8]>(column), after.get::<_, &[u8]>(column), "{column}");
    }
    assert_eq!(before.get::<_, &[u8]>("address_key"), after.get::<_, &[u8]>("address_key"));
    assert_ne!(before.get::<_, &str>("expires_at"), after.get::<_, &str>("expires_at"));
    let replaced = house.persons().await.pop().unwrap();
    assert!(*person.secret != *replaced.secret, "the secret is a new one");
    assert_eq!(replaced.address, "ann@Example.org", "the latest signup counts, as typed");
    assert!(replaced.profile.is_empty() && !person.profile.is_empty());

    // The older links are dead, calmly.
    let rows = house.rows().await;
    for dead in [&confirm, &not_me] {
        for answer in [house.get(dead).await, house.post(dead, &[]).await] {
            assert_eq!(answer.status(), 200);
            assert!(answer.text().await.unwrap().contains(&house.say("en", "nothing_here.title", &[])));
        }
    }
    assert_eq!(house.rows().await, rows);
    assert_ne!(old.headers["message-id"], new.headers["message-id"]);
    assert_eq!(house.post(&link(&new.text, "/c/"), &[]).await.status(), 200);
    assert_eq!(house.people(NEWS).await.len(), 1);
    house.close().await;
}

#[tokio::test]
async fn who_is_subscribed_is_told_so_at_most_once_a_day_and_stays_as_they_are() {
    let house = House::open().await;
    house.subscribe("Ann@example.org").await;
    let person =
        "SELECT to_jsonb(s)::text FROM (SELECT list, id, address_key, state, notice, lang, seal, reference,
                  withdrawn_commitment, signed_up_at, expires_at, confirmed_at FROM subscriptions) s";
    let look = async || house.db().await.query_one(person, &[]).await.unwrap().get::<_, String>(0);
    let before = look().await;
    let entries = house.rows().await.remove("trail_entries");
    for (wait, letters) in
        [(SignedDuration::ZERO, 2), (SECOND, 2), (DAY - SECOND - SECOND, 2), (SECOND, 3), (SECOND, 3)]
    {
        house.all_letters().await;
        house.advance(wait);
        let again = Signup::of("ann@EXAMPLE.org").with("name", "Somebody else").with("country", "SE");
        assert_eq!(again.by_browser(&house, NEWS, "de").await.status(), 200);
        assert_eq!(house.all_letters().await.len(), letters, "after {wait:#}");
        assert_eq!(look().await, before);
    }
    let told = house.letters("Ann@example.org", 3).await;
    let subject = house.say("en", "letter.already_subscribed.subject", &[("list", "Sampletown News")]);
    assert!(told[1..].iter().all(|letter| letter.subject == subject), "in the language of her own signup");
    assert!(told[1..].iter().all(|letter| !letter.text.contains("Somebody else")));
    assert_eq!(house.rows().await.remove("trail_entries"), entries);
    house.close().await;
}

#[tokio::test]
async fn another_spelling_is_the_same_subscription_and_the_address_stays_as_typed() {
    let house = House::open().await;
    house.sign_up("Jörg.Müller@Bücher.example").await;
    // On its way, only the domain is written in ASCII.
    let letter = house.letter("Jörg.Müller@xn--bcher-kva.example").await;
    assert_eq!(house.post(&link(&letter.text, "/c/"), &[]).await.status(), 200);
    for email in [
        "JÖRG.MÜLLER@BÜCHER.EXAMPLE",
        "jo\u{308}rg.mu\u{308}ller@bücher.example",
        "jörg.müller@xn--bcher-kva.example",
    ] {
        house.sign_up(email).await;
    }
    assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 1);
    assert_eq!(house.people(NEWS).await[0]["email"], "Jörg.Müller@Bücher.example");
    // Dots and plus tags mean what the mailbox's own host says they mean: these are other people.
    for email in ["jörgmüller@bücher.example", "jörg.müller+news@bücher.example"] {
        house.sign_up(email).await;
    }
    assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 3);
    house.close().await;
}

#[tokio::test]
async fn two_hundred_signups_of_one_address_at_once_make_one_row_and_one_letter() {
    let house = House::open().await;
    let signups = (0..200).map(|n| {
        let signup = Signup::of(if n % 2 == 0 { "ann@example.org" } else { "ANN@Example.org" });
        let house = &house;
        async move { signup.by_browser(house, NEWS, "en").await.status() }
    });
    let answers = join_all(signups).await;
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    assert_eq!(house.count("SELECT count(*) FROM subscriptions").await, 1);
    assert_eq!(house.all_letters().await.len(), 1);
    house.close().await;
}
