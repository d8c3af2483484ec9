//! Two thousand letters, a relay that does by turns all that relays do wrong, and people who leave meanwhile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use jiff::SignedDuration;
use optin::app::App;
use optin::consent::address::Address;
use optin::consent::change::{Entered, Signup, SignupRandom};
use optin::consent::field::Profile;
use optin::mail::relay::Patience;
use optin::mail::session::{Answer, Door, Limits, Protocol, Transaction};
use optin::token::SubscriptionId;
use reqwest::Client;
use zeroize::Zeroizing;

use crate::house::{self, House, NEWS, Out, until};

const PEOPLE: usize = 2000;
/// More than a first or second retry's delay.
const A_WHILE: SignedDuration = SignedDuration::from_secs(20);
/// For relays that hang. Whoever is cut off although the relay was only slow is sent the letter again.
const BRIEF: Duration = Duration::from_millis(500);

const LATER: Answer = Answer::reply(451, "4.7.1", "come back");
const CLOSING: Answer = Answer::reply(421, "4.3.2", "closing");
const NEVER: Answer = Answer::reply(550, "5.2.1", "not any more");
const UNREADABLE: Answer = Answer::reply(554, "5.6.0", "unreadable");

/// What becomes of a person's letter, by their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The first time this at RCPT, then it is taken.
    FirstAtRcpt(Answer),
    /// The first time this after the message, then it is taken.
    FirstAtMessage(Answer),
    Taken,
    RefusedAtRcpt,
    RefusedAtMessage,
    /// They leave while the relay thinks about the recipient.
    LeavesAtRcpt,
    /// The letter is deferred, and they leave before it is tried again.
    LeavesBetween,
}

fn fate(person: usize) -> Fate {
    match person % 20 {
        0 => Fate::RefusedAtRcpt,
        1 => Fate::RefusedAtMessage,
        2 => Fate::FirstAtRcpt(LATER),
        3 => Fate::FirstAtMessage(LATER),
        4 => Fate::FirstAtRcpt(Answer::Reset),
        5 => Fate::FirstAtMessage(Answer::Reset),
        6 => Fate::FirstAtRcpt(CLOSING),
        7 if person % 200 == 7 => Fate::FirstAtRcpt(Answer::Hang),
        7 if person % 200 == 107 => Fate::FirstAtMessage(Answer::Hang),
        8 => Fate::LeavesAtRcpt,
        9 => Fate::LeavesBetween,
        _ => Fate::Taken,
    }
}

/// What happened, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Asked,
    Message { taken: bool },
    Left,
}

/// Everybody's link to leave, and all that happened to each.
#[derive(Default)]
struct World {
    links: Mutex<HashMap<usize, String>>,
    events: Mutex<HashMap<usize, Vec<Event>>>,
    /// The house's, once it is there.
    http: OnceLock<Client>,
}

impl World {
    fn note(&self, person: usize, event: Event) {
        self.events.lock().unwrap().entry(person).or_default().push(event);
    }

    fn events(&self, person: usize) -> Vec<Event> {
        self.events.lock().unwrap().get(&person).cloned().unwrap_or_default()
    }

    fn count(&self, person: usize, event: impl Fn(&Event) -> bool) -> usize {
        self.events(person).into_iter().filter(event).count()
    }

    /// They press the button, and the answer has come.
    async fn leave(&self, person: usize) {
        let url = self.links.lock().unwrap()[&person].clone();
        assert_eq!(self.http.get().unwrap().post(url).send().await.unwrap().status(), 200);
        self.note(person, Event::Left);
    }

    async fn at_rcpt(self: Arc<World>, to: String) -> Answer {
        let person = number(&to);
        let is_first = self.count(person, |event| *event == Event::Asked) == 0;
        self.note(person, Event::Asked);
        match fate(person) {
            Fate::RefusedAtRcpt => NEVER,
            Fate::FirstAtRcpt(answer) if is_first => answer,
            Fate::LeavesBetween if is_first => LATER,
            Fate::LeavesAtRcpt if is_first => {
                self.leave(person).await;
                Answer::TAKEN
            }
            _ => Answer::TAKEN,
        }
    }

    fn at_message(&self, to: &str) -> Answer {
        let person = number(to);
        let is_first = self.count(person, |event| matches!(event, Event::Message { .. })) == 0;
        let answer = match fate(person) {
            Fate::RefusedAtMessage => UNREADABLE,
            Fate::FirstAtMessage(answer) if is_first => answer,
            _ => Answer::TAKEN,
        };
        self.note(person, Event::Message { taken: answer == Answer::TAKEN });
        answer
    }

    fn door(self: &Arc<World>) -> Door {
        let (at_rcpt, at_message) = (self.clone(), self.clone());
        let limits = Limits { connections: 200, ..Limits::default() };
        let message = move |transaction: Transaction| {
            let answer = at_message.at_message(&transaction.to[0]);
            async move { answer }
        };
        let recipient = move |to| at_rcpt.clone().at_rcpt(to);
        Door::new(Protocol::Smtp, "relay.test", limits, recipient, message)
    }

    /// Signs somebody up. Their link is known before their letter can go.
    async fn sign_up(&self, house: &House, person: usize) {
        let app = &house.app;
        let (list, notice) = app.store.find_list(NEWS).await.unwrap().unwrap();
        let entered = Entered {
            address: Address::parse(&format!("person{person}@example.org")).unwrap(),
            profile: Profile::new(),
            lang: "en".into(),
            origin: None,
            network: None,
        };
        let id = App::random();
        let random = SignupRandom {
            id,
            reference: App::random(),
            secret: Zeroizing::new(App::random()),
            nonce: App::random(),
        };
        let link = app.links.unsubscribe(list.number, SubscriptionId(id));
        self.links.lock().unwrap().insert(person, link);
        let signup = Signup::new(&app.keys, &list, &notice, entered, random, app.clock.now());
        app.store.sign_up(signup).await.unwrap();
        app.letters_wait.notify_one();
    }
}

fn number(to: &str) -> usize {
    to.strip_prefix("person").unwrap().split('@').next().unwrap().parse().unwrap()
}

/// Waits until this counts none, as long as it takes: some go, or it has failed.
async fn none_left(house: &House, sql: &str) {
    let db = house.db().await;
    let count = async || db.query_one(sql, &[]).await.unwrap().get::<_, i64>(0);
    let mut left = count().await;
    while left > 0 {
        until("fewer letters", async || count().await < left).await;
        left = count().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p_cp_2_p_med_5_under_a_faulty_relay_no_letter_is_lost_and_none_goes_to_who_has_left() {
    let world = Arc::new(World::default());
    let patience = Patience { connect: BRIEF, command: BRIEF, data: BRIEF };
    let relay = house::Relay::Door(world.door());
    let house = House::with_out(Out { relay, patience: Some(patience), ..Out::default() }).await;
    world.http.set(house.http.clone()).unwrap();
    stream::iter(0..PEOPLE).for_each_concurrent(64, |person| world.sign_up(&house, person)).await;

    // The clock stands still: what was put off is not tried again before everybody who wants to has left.
    let leaving: Vec<_> = (0..PEOPLE).filter(|person| fate(*person) == Fate::LeavesBetween).collect();
    let untried = "SELECT count(*) FROM outbox WHERE status IS NULL";
    none_left(&house, untried).await;
    join_all(leaving.iter().map(|person| world.leave(*person))).await;

    let waiting = "SELECT count(*) FROM outbox WHERE dead_at IS NULL";
    while house.count(waiting).await > 0 {
        // Each is in a postman's hand, or waits for its next try.
        let now = house.advance(A_WHILE);
        none_left(&house, &format!("{waiting} AND due_at <= '{now}'")).await;
    }

    let mut refused = 0;
    for person in 0..PEOPLE {
        let (fate, events) = (fate(person), world.events(person));
        let taken = events.contains(&Event::Message { taken: true });
        let afterwards = events.iter().skip_while(|event| **event != Event::Left).skip(1).count();
        assert_eq!(afterwards, 0, "person {person}, {fate:?}: {events:?}");
        match fate {
            Fate::RefusedAtRcpt | Fate::RefusedAtMessage => {
                assert!(!taken, "person {person}, {fate:?}: {events:?}");
                refused += 1;
            }
            Fate::LeavesAtRcpt | Fate::LeavesBetween => {
                assert!(!taken && events.contains(&Event::Left), "person {person}, {fate:?}: {events:?}");
            }
            Fate::Taken | Fate::FirstAtRcpt(_) | Fate::FirstAtMessage(_) => {
                assert!(taken, "person {person}, {fate:?}: {events:?}");
            }
        }
    }
    let marked = "SELECT count(*) FROM outbox WHERE dead_at IS NOT NULL AND status IN ('5.2.1', '5.6.0')";
    assert_eq!(house.count(marked).await, refused);
    assert_eq!(house.count("SELECT count(*) FROM outbox").await, refused, "nothing else is left");
    house.close().await;
}
