use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::trail::entry::{LENGTH, ZEROS, entry, service_tail};

/// An entry of that event, dated so many hours after the epoch; a person's commitment is whatever the tail is.
fn at(hour: i64, event: Event, tree_size: u64, count: u64) -> [u8; LENGTH] {
    let notice = if event.fills_the_slot() { [0xAA; 32] } else { ZEROS };
    let hour = Timestamp::from_second(hour * 3600).unwrap();
    entry(event, hour, &notice, &service_tail(&[7; 16], tree_size, count))
}

fn person(event: Event) -> [u8; LENGTH] {
    at(9, event, 0, 0)
}

fn service(event: Event, tree_size: u64, count: u64) -> [u8; LENGTH] {
    at(9, event, tree_size, count)
}

/// What is wrong with a log, one sentence a fault.
fn faults(entries: &[[u8; LENGTH]]) -> Vec<String> {
    let mut audit = Audit::new(1);
    entries.iter().filter_map(|entry| audit.take(entry).err()).map(|fault| fault.to_string()).collect()
}

#[test]
fn a_log_that_adds_up_is_taken_and_counted() {
    let log = [
        service(Event::NoticePublished, 0, 0),
        person(Event::Confirmed),
        person(Event::Confirmed),
        person(Event::Paused),
        service(Event::ExportBegan, 4, 0),
        person(Event::Withdrawn),
        service(Event::Exported, 4, 2),
        person(Event::Restored),
        person(Event::Resumed),
        person(Event::Renewed),
        person(Event::Corrected),
        service(Event::Exported, 8, 2),
        service(Event::Fed, 12, 3),
        service(Event::Lost, 12, 2),
        service(Event::Exported, 13, 2),
        service(Event::Exported, 14, 0),
    ];
    let mut audit = Audit::new(0);
    for (index, bytes) in log.iter().enumerate() {
        assert_eq!(audit.size(), index as u64);
        assert_eq!(audit.take(bytes), Ok(Entry::read(bytes).unwrap()));
    }
    let counts = Event::ALL.map(|event| audit.count(event));
    assert_eq!(counts, [2, 1, 1, 1, 1, 1, 1, 1, 1, 4, 1, 1]);
}

#[test]
fn an_export_of_more_rows_than_there_were_people_is_named() {
    let yes = person(Event::Confirmed);
    for (log, fault) in [
        (vec![service(Event::Exported, 0, 1)], "entry 0 is an export of 1 rows at tree size 0, where 0"),
        (vec![yes, service(Event::Exported, 1, 2)], "entry 1 is an export of 2 rows at tree size 1, where 1"),
        (
            vec![yes, yes, service(Event::Exported, 1, 2)],
            "entry 2 is an export of 2 rows at tree size 1, where 1",
        ),
        (
            vec![yes, person(Event::Withdrawn), service(Event::Exported, 2, 1)],
            "entry 2 is an export of 1 rows at tree size 2, where 0",
        ),
        (
            vec![yes, yes, yes, service(Event::Lost, 3, 2), service(Event::Exported, 4, u64::MAX)],
            "entry 4 is an export of 18446744073709551615 rows at tree size 4, where 1",
        ),
        (
            vec![
                service(Event::Lost, 0, u64::MAX),
                service(Event::Lost, 0, u64::MAX),
                service(Event::Exported, 2, 0),
            ],
            "entry 2 is an export of 0 rows at tree size 2, where -36893488147419103230",
        ),
    ] {
        assert_eq!(faults(&log), [format!("{fault} people had said yes and not left")]);
    }
}

#[test]
fn a_look_back_on_what_is_not_there_yet_is_named() {
    for event in Event::ALL.into_iter().filter(|event| !event.is_a_persons()) {
        let fault =
            format!("entry 1 is a `{event}` that looks back on tree size 2, which the log had not reached");
        assert_eq!(faults(&[person(Event::Confirmed), service(event, 2, 0)]), [fault]);
        assert!(faults(&[person(Event::Confirmed), service(event, 1, 0)]).is_empty());
    }
}

#[test]
fn hours_may_run_backwards_by_the_skew_and_no_more() {
    let hours = |skew: u32, hours: &[i64]| {
        let mut audit = Audit::new(skew);
        let taken = hours.iter().map(|hour| audit.take(&at(*hour, Event::Confirmed, 0, 0)));
        taken.filter_map(Result::err).map(|fault| fault.to_string()).collect::<Vec<_>>()
    };
    assert!(hours(0, &[1, 1, 2, 500, 500]).is_empty());
    assert!(hours(2, &[9, 7, 8, 7]).is_empty());
    assert_eq!(hours(0, &[9, 8]), ["entry 1 is dated 1 hours before one that stands ahead of it"]);
    // However slowly: what counts is the latest hour so far, not the one just before.
    assert_eq!(hours(2, &[9, 8, 7, 6]), ["entry 3 is dated 3 hours before one that stands ahead of it"]);
    assert!(hours(u32::MAX, &[9, 0]).is_empty());
}

#[test]
fn an_entry_that_cannot_be_read_is_named_and_counts_for_nothing() {
    let mut unknown = person(Event::Confirmed);
    unknown[1] = 8;
    let mut audit = Audit::new(0);
    let faults = [&unknown[..], &[0; 69], &person(Event::Confirmed), &service(Event::Exported, 3, 2)]
        .map(|bytes| audit.take(bytes).map_err(|fault| fault.to_string()).err().unwrap_or_default());
    assert_eq!(
        faults,
        [
            "entry 0 is of event 8, which is unknown",
            "entry 1 is 69 bytes long instead of 70",
            "",
            "entry 3 is an export of 2 rows at tree size 3, where 1 people had said yes and not left",
        ]
    );
}

#[test]
fn of_two_faults_the_graver_is_told() {
    let log = [at(9, Event::Confirmed, 0, 0), at(1, Event::Exported, 1, 2)];
    assert!(faults(&log)[0].contains("export of 2 rows"));
    // The second fault has not hidden the hour.
    let mut audit = Audit::new(1);
    assert!(audit.take(&at(20, Event::Exported, 5, 0)).is_err());
    assert!(audit.take(&at(18, Event::Confirmed, 0, 0)).is_err());
}

proptest! {
    #[test]
    fn an_export_may_look_back_on_any_size(
        events in prop::collection::vec(prop::sample::select(Event::ALL.to_vec()), 0..400),
        part: prop::sample::Index,
    ) {
        let mut audit = Audit::new(0);
        for event in &events {
            let count = if *event == Event::Lost { 3 } else { 0 };
            let taken = audit.take(&service(*event, 0, count));
            prop_assert!(taken.is_ok());
        }
        let size = part.index(events.len() + 1);
        let worth = |event: &Event| match event {
            Event::Confirmed | Event::Restored => 1,
            Event::Withdrawn => -1,
            Event::Lost => -3,
            _ => 0,
        };
        let standing: i128 = events[..size].iter().map(worth).sum();
        if let Ok(allowed) = u64::try_from(standing) {
            let taken = audit.take(&service(Event::Exported, size as u64, allowed));
            prop_assert!(taken.is_ok());
        }
        let rows = u64::try_from(standing + 1).unwrap_or(0);
        let fault = audit.take(&service(Event::Exported, size as u64, rows)).unwrap_err();
        prop_assert_eq!(fault.wrong, Wrong::Rows { rows, tree_size: size as u64, standing });
    }

    #[test]
    fn any_bytes_get_an_answer(entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 68..72), 0..80)) {
        let mut audit = Audit::new(0);
        for entry in &entries {
            let mut entry = entry.clone();
            _ = audit.take(&entry);
            entry[0] = 1;
            entry[1] %= 24;
            entry[6..38].fill(0);
            _ = audit.take(&entry);
        }
        prop_assert_eq!(audit.size(), 2 * entries.len() as u64);
    }
}
