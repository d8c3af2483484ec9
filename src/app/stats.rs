//! A list's figures, for its marketers and for programs: counts by day that tell of no single person. Nobody is
//! watched for them (there is no pixel and no tracked click), and nothing is counted when they are asked for.
//!
//! Whatever is told of days is made of what each day tells, where fewer than five people are "<5": a total therefore is a
//! span as soon as one of its days is, and figures of whatever days, laid over each other, give none away. docs/DESK.md
//! has the limits.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::consent::figures::{
    BOUNCES, CONFIRMED, Figure, RESTORED, SIGNUPS, WAITS, WITHDRAWN, about, median,
};
use crate::consent::list::List;
use crate::store::tallies::{Letters, Tally};
use crate::store::{Store, StoreError};

/// Some days in a row, at most [`Days::MOST`], in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    since: Date,
    until: Date,
}

/// Why some days cannot be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDays {
    #[error("the last day is before the first")]
    Backwards,
    #[error("these are more than {} days", Days::MOST)]
    TooMany,
}

impl Days {
    /// A leap year.
    pub const MOST: i32 = 366;

    /// From one day to another, both included.
    pub fn new(since: Date, until: Date) -> Result<Days, BadDays> {
        let days = (until - since).get_days();
        match days {
            ..0 => Err(BadDays::Backwards),
            0..Days::MOST => Ok(Days { since, until }),
            _ => Err(BadDays::TooMany),
        }
    }

    /// The last so many days, today among them; one at least, and at most [`Days::MOST`].
    pub fn last(days: i32, now: Timestamp) -> Days {
        let until = now.to_zoned(TimeZone::UTC).date();
        let back = days.clamp(1, Days::MOST) - 1;
        let since = until.checked_sub(jiff::Span::new().days(back)).unwrap_or(until);
        Days { since, until }
    }

    pub fn since(self) -> Date {
        self.since
    }

    pub fn until(self) -> Date {
        self.until
    }

    fn each(self) -> impl Iterator<Item = Date> {
        let next = |day: &Date| day.tomorrow().ok();
        std::iter::successors(Some(self.since), next).take_while(move |day| *day <= self.until)
    }
}

/// What people did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Acts {
    /// Each time that somebody entered an address, also one that is on the list: otherwise it would tell that it is.
    pub signed_up: Figure,
    pub confirmed: Figure,
    pub left: Figure,
    /// Left, and undid it.
    pub came_back: Figure,
    /// Letters that did not arrive.
    pub bounced: Figure,
}

/// What people did on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Day {
    #[schema(value_type = String, format = "date")]
    pub day: Date,
    #[serde(flatten)]
    pub acts: Acts,
}

/// Letters that have not gone out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Waiting {
    pub waiting: Figure,
    pub given_up: Figure,
    /// Whether there may be more than were looked at.
    pub and_more: bool,
}

/// The figures of a list, over some days.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Figures {
    #[schema(value_type = String, format = "date")]
    pub since: Date,
    #[schema(value_type = String, format = "date")]
    pub until: Date,
    /// Each of the days, oldest first.
    pub days: Vec<Day>,
    /// Of all these days: the sum of what they tell.
    pub total: Acts,
    /// Confirmed and still there, now, to fives: by the list's log, and so of everybody, paused ones too.
    pub subscribers: Figure,
    /// The seconds that half of those who confirmed took less than, of two digits; none where fewer than five did.
    pub median_seconds_to_confirm: Option<u64>,
    pub letters: Waiting,
}

impl Figures {
    /// The figures of a list.
    pub async fn of(store: &Store, list: &List, days: Days) -> Result<Figures, StoreError> {
        let tallies = store.tallies(&[list.number], days.since, days.until, i16::MAX).await?;
        let subscribers = store.subscribers(&[list.number]).await?;
        let letters = store.count_letters(list.number).await?;
        let by_day = by_day(&tallies, days);
        Ok(Figures {
            since: days.since,
            until: days.until,
            total: total(&by_day),
            days: by_day,
            subscribers: Figure::roughly(subscribers.get(&list.number).copied().unwrap_or_default()),
            median_seconds_to_confirm: median(&waits(&tallies)).map(two_digits),
            letters: Waiting {
                waiting: Figure::of(letters.waiting),
                given_up: Figure::of(letters.given_up),
                and_more: letters.waiting + letters.given_up >= Letters::MOST,
            },
        })
    }

    /// The time to confirm in words.
    pub fn median_in_words(&self) -> Option<String> {
        self.median_seconds_to_confirm.map(|seconds| about(seconds as f64))
    }
}

/// One list among others.
#[derive(Clone, Debug)]
pub struct Line {
    pub list: List,
    pub subscribers: Figure,
    pub total: Acts,
}

/// What each of some lists comes to over some days.
pub async fn overview(store: &Store, lists: Vec<List>, days: Days) -> Result<Vec<Line>, StoreError> {
    let numbers: Vec<u32> = lists.iter().map(|list| list.number).collect();
    let tallies = store.tallies(&numbers, days.since, days.until, WAITS).await?;
    let subscribers = store.subscribers(&numbers).await?;
    let mut of_each: BTreeMap<u32, Vec<Tally>> = BTreeMap::new();
    for tally in tallies {
        of_each.entry(tally.list).or_default().push(tally);
    }
    let line = |list: List| {
        let own = of_each.get(&list.number).map_or(&[][..], Vec::as_slice);
        let people = subscribers.get(&list.number).copied().unwrap_or_default();
        Line { total: total(&by_day(own, days)), subscribers: Figure::roughly(people), list }
    };
    Ok(lists.into_iter().map(line).collect())
}

fn by_day(tallies: &[Tally], days: Days) -> Vec<Day> {
    let counts: BTreeMap<(Date, i16), u64> =
        tallies.iter().map(|tally| ((tally.day, tally.kind), tally.count)).collect();
    let figure = |day, kind| Figure::of(counts.get(&(day, kind)).copied().unwrap_or_default());
    let acts = |day| Acts {
        signed_up: figure(day, SIGNUPS),
        confirmed: figure(day, CONFIRMED),
        left: figure(day, WITHDRAWN),
        came_back: figure(day, RESTORED),
        bounced: figure(day, BOUNCES),
    };
    days.each().map(|day| Day { day, acts: acts(day) }).collect()
}

fn total(days: &[Day]) -> Acts {
    let sum = |of: fn(&Acts) -> Figure| days.iter().map(|day| of(&day.acts)).sum();
    Acts {
        signed_up: sum(|acts| acts.signed_up),
        confirmed: sum(|acts| acts.confirmed),
        left: sum(|acts| acts.left),
        came_back: sum(|acts| acts.came_back),
        bounced: sum(|acts| acts.bounced),
    }
}

/// How many people are in each bucket of waits, of all days together.
fn waits(tallies: &[Tally]) -> Vec<(usize, u64)> {
    let mut buckets = BTreeMap::<usize, u64>::new();
    for tally in tallies {
        if let Ok(bucket) = usize::try_from(tally.kind - WAITS) {
            *buckets.entry(bucket).or_default() += tally.count;
        }
    }
    buckets.into_iter().collect()
}

/// No more exactly than it is known.
fn two_digits(seconds: f64) -> u64 {
    let unit = 10f64.powf((seconds.max(1.0).log10().floor() - 1.0).max(0.0));
    ((seconds / unit).round() * unit) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn tally(day: i8, kind: i16, count: u64) -> Tally {
        Tally { list: 1, day: date(2026, 11, day), kind, count }
    }

    #[test]
    fn days_are_some_in_a_row_and_no_more_than_a_year() {
        let now: Timestamp = "2026-11-22T23:59:59Z".parse().unwrap();
        let week = Days::last(7, now);
        assert_eq!((week.since(), week.until()), (date(2026, 11, 16), date(2026, 11, 22)));
        assert_eq!(week.each().count(), 7);
        assert_eq!(Days::last(0, now).each().count(), 1);
        assert_eq!(Days::last(9999, now).each().count(), 366);
        assert_eq!(Days::new(week.until(), week.since()), Err(BadDays::Backwards));
        assert_eq!(Days::new(date(2026, 1, 1), date(2026, 12, 31)).map(|days| days.each().count()), Ok(365));
        assert_eq!(Days::new(date(2026, 1, 1), date(2027, 1, 1)).map(|days| days.each().count()), Ok(366));
        assert_eq!(Days::new(date(2026, 1, 1), date(2027, 1, 2)), Err(BadDays::TooMany));
    }

    #[test]
    fn each_day_tells_what_was_counted_and_a_total_no_more_than_its_days() {
        let days = Days::new(date(2026, 11, 1), date(2026, 11, 3)).unwrap();
        let tallies =
            [tally(1, SIGNUPS, 9), tally(1, CONFIRMED, 7), tally(3, CONFIRMED, 2), tally(2, WAITS, 7)];
        let told = by_day(&tallies, days);
        assert_eq!(told.iter().map(|day| day.day).collect::<Vec<_>>(), days.each().collect::<Vec<_>>());
        let confirmed: Vec<String> = told.iter().map(|day| day.acts.confirmed.to_string()).collect();
        assert_eq!(confirmed, ["7", "0", "<5"]);
        let all = total(&told);
        assert_eq!((all.signed_up.to_string(), all.confirmed.to_string()), ("9".into(), "8–11".into()));
        assert_eq!(all.left, Figure::of(0));
        assert_eq!(waits(&tallies), [(0, 7)]);
        let json = serde_json::to_value(told[0]).unwrap();
        assert_eq!(json["day"], "2026-11-01");
        assert_eq!(json["signed_up"]["at_least"], 9);
    }

    #[test]
    fn a_median_is_told_in_two_digits() {
        let told = [0.4, 9.6, 23.4, 187.3, 5_432.1].map(two_digits);
        assert_eq!(told, [0, 10, 23, 190, 5_400]);
    }
}
