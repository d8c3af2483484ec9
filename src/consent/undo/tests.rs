use jiff::SignedDuration;
use proptest::prelude::*;
use zeroize::Zeroizing;

use super::*;
use crate::consent::change::{CannotRestore, Restore};
use crate::consent::field::Profile;
use crate::consent::person::Person;
use crate::trail::entry::{Event, ZEROS, entry};

const ID: SubscriptionId = SubscriptionId([7; 14]);

fn ring(seed: u8) -> KeyRing {
    KeyRing::generate(Zeroizing::new([seed; 96]))
}

fn noon() -> Timestamp {
    "2026-11-02T12:00:00.25Z".parse().unwrap()
}

fn ann() -> Person {
    let profile = Profile::from([("name".into(), "Ann".into())]);
    Person::new("Ann@Example.org".into(), profile, None, "{}".into(), Zeroizing::new([3; 32]))
}

fn gone(state: State, person: &Person) -> Gone {
    Gone {
        state,
        notice: 2,
        lang: "en".into(),
        seal: person.seal(&ring(1), [9; 24], 1, ID),
        reference: [5; 16],
        signed_up_at: noon() - SignedDuration::from_hours(2),
        expires_at: noon() + SignedDuration::from_hours(70),
        confirmed_at: Some(noon() - SignedDuration::from_hours(1)),
        told_at: None,
    }
}

fn undo() -> Undo {
    Undo::of(1, ID, gone(State::Active, &ann()), noon()).unwrap()
}

fn restored(undo: Undo, at: Timestamp) -> Restore {
    Restore::new(&ring(1), undo, [8; 24], at).unwrap()
}

#[test]
fn no_byte_of_it_can_be_changed_and_none_be_missing() {
    let bytes = URL_SAFE_NO_PAD.decode(undo().seal(&ring(1), [4; 24])).unwrap();
    let open = |bytes: &[u8]| Undo::open(&ring(1), &URL_SAFE_NO_PAD.encode(bytes));
    assert_eq!(open(&bytes), Ok(undo()));
    for n in 0..bytes.len() {
        // The first 18 are the list and the id of another person.
        let mut bent = bytes.clone();
        bent[n] ^= 1;
        assert_eq!(open(&bent), Err(Damaged), "byte {n}");
        assert_eq!(open(&bytes[..n]), Err(Damaged), "{n} bytes");
    }
    assert_eq!(Undo::open(&ring(2), &undo().seal(&ring(1), [4; 24])), Err(Damaged));
    assert_eq!(open(&[bytes, vec![0]].concat()), Err(Damaged));
}

#[test]
fn the_head_of_one_does_not_go_with_the_rest_of_another() {
    let others = [(2, ID), (1, SubscriptionId([8; 14]))];
    let own = URL_SAFE_NO_PAD.decode(undo().seal(&ring(1), [4; 24])).unwrap();
    for (list, id) in others {
        let other = Undo::of(list, id, gone(State::Active, &ann()), noon()).unwrap().seal(&ring(1), [4; 24]);
        let other = URL_SAFE_NO_PAD.decode(other).unwrap();
        let mixed = URL_SAFE_NO_PAD.encode([&own[..18], &other[18..]].concat());
        assert_eq!(Undo::open(&ring(1), &mixed), Err(Damaged));
    }
}

/// The way back of another service's version, or a row's seal that somebody has got hold of, is none.
#[test]
fn only_what_was_sealed_as_a_way_back_of_this_version_opens() {
    let text = |sealed: Vec<u8>| URL_SAFE_NO_PAD.encode([&1u32.to_be_bytes()[..], &ID.0, &sealed].concat());
    let plain = undo().encode();
    let open = |text: &str| Undo::open(&ring(1), text);
    assert_eq!(open(&text(ring(1).seal_undo([4; 24], 1, &ID.0, &plain))), Ok(undo()));
    assert_eq!(open(&text(ring(1).seal([4; 24], 1, &ID.0, &plain))), Err(Damaged));
    let newer = [&[2], &plain[1..]].concat();
    assert_eq!(open(&text(ring(1).seal_undo([4; 24], 1, &ID.0, &newer))), Err(Damaged));
    for cut in 0..plain.len() - undo().gone.seal.len() {
        assert_eq!(open(&text(ring(1).seal_undo([4; 24], 1, &ID.0, &plain[..cut]))), Err(Damaged), "{cut}");
    }
}

#[test]
fn what_an_old_root_has_sealed_still_leads_back() {
    let text = undo().seal(&ring(1), [4; 24]);
    let file = ring(1).to_toml().replace("current = 0", "current = 1");
    let rotated = KeyRing::parse(&format!("{}1 = \"{}\"\n", file.as_str(), URL_SAFE_NO_PAD.encode([6; 32])));
    let rotated = rotated.unwrap();
    let restore = Restore::new(&rotated, Undo::open(&rotated, &text).unwrap(), [8; 24], noon()).unwrap();
    assert_eq!(restore.row().seal[1], 1, "and comes back under the current one");
    assert_eq!(Person::open(&rotated, 1, ID, &restore.row().seal).unwrap().address, "Ann@Example.org");
}

#[test]
fn it_works_for_fifteen_minutes_and_not_a_microsecond_longer() {
    let micro = SignedDuration::from_micros(1);
    let quarter = SignedDuration::from_mins(15);
    restored(undo(), noon() + quarter - micro);
    for late in [noon() + quarter, noon() + quarter + micro, noon() + SignedDuration::from_hours(9)] {
        let late = Restore::new(&ring(1), undo(), [8; 24], late);
        assert!(matches!(late, Err(CannotRestore::TooLate)));
    }
}

#[test]
fn who_has_not_confirmed_has_no_way_back_and_who_paused_has() {
    assert!(Undo::of(1, ID, gone(State::Pending, &ann()), noon()).is_none());
    let paused = Undo::of(1, ID, gone(State::Paused, &ann()), noon()).unwrap();
    assert_eq!(restored(paused, noon()).row().state, State::Paused);
}

#[test]
fn the_row_is_as_it_was_and_its_next_withdrawal_has_a_commitment_of_its_own() {
    let (was, restore) = (gone(State::Active, &ann()), restored(undo(), noon()));
    assert_eq!(restore.row(), &Gone { seal: restore.row().seal.clone(), ..was });
    assert_eq!(restore.address_key(), &ring(1).address_key(1, "ann@example.org"));
    let commitment = |event, n| ann().commitment(1, event, n);
    assert_eq!(restore.entry(), &entry(Event::Restored, noon(), &ZEROS, &commitment(Event::Restored, 0)));
    assert_eq!(restore.withdrawn(), &commitment(Event::Withdrawn, 1));

    // The page of the withdrawal after that.
    let again = Undo::of(1, ID, restore.row().clone(), noon()).unwrap();
    let again = restored(again, noon());
    assert_eq!(again.entry()[38..], commitment(Event::Restored, 1));
    assert_eq!(again.withdrawn(), &commitment(Event::Withdrawn, 2));
    let person = Person::open(&ring(1), 1, ID, &again.row().seal).unwrap();
    assert_eq!((person.acts.count(Event::Withdrawn), person.acts.count(Event::Restored)), (2, 2));
    assert!(
        person.record == ann().record && person.profile == ann().profile && person.secret == ann().secret
    );
}

#[test]
fn nothing_of_it_is_shown_to_who_debugs() {
    assert_eq!(format!("{:?} {:?}", undo(), undo().into_gone()), "Undo(…) Gone(…)");
}

fn time() -> impl Strategy<Value = Timestamp> {
    (-1_000_000_000_000_000i64..4_000_000_000_000_000)
        .prop_map(|micros| Timestamp::from_microsecond(micros).unwrap())
}

proptest! {
    #[test]
    fn whatever_the_row_was_the_page_brings_it_back(
        (list, id, nonce) in any::<(u32, [u8; 14], [u8; 24])>(),
        (paused, notice, reference) in any::<(bool, u32, [u8; 16])>(),
        lang in "[a-z]{2}(-[a-z]{2,8})?",
        seal in prop::collection::vec(any::<u8>(), 0..9000),
        (at, signed_up_at, expires_at) in (time(), time(), time()),
        (confirmed_at, told_at) in (prop::option::of(time()), prop::option::of(time())),
    ) {
        let state = if paused { State::Paused } else { State::Active };
        let gone =
            Gone { state, notice, lang, seal, reference, signed_up_at, expires_at, confirmed_at, told_at };
        let undo = Undo::of(list, SubscriptionId(id), gone, at).unwrap();
        prop_assert_eq!(Undo::open(&ring(1), &undo.seal(&ring(1), nonce)), Ok(undo));
    }

    #[test]
    fn no_text_makes_it_panic(text in "[A-Za-z0-9_-]{0,200}|\\PC{0,80}") {
        prop_assert_eq!(Undo::open(&ring(1), &text), Err(Damaged));
    }
}
