//! Figures that tell of no single person: what a count becomes before anybody sees it, and how long people took to
//! confirm, of which no single time is kept.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;

use serde::Serialize;

use crate::trail::entry::Event;

/// Fewer people than this, but some, are told as "<5".
pub const FEW: u64 = 5;

/// The tally of signups. The trail's events are tallies too, under their own numbers.
pub const SIGNUPS: i16 = 32;
/// Letters that did not arrive, where they are read together with the tallies.
pub const BOUNCES: i16 = 33;
/// The first of the tallies of how long people took to confirm; the others follow.
pub const WAITS: i16 = 64;

/// The trail's events that figures are made of.
pub const CONFIRMED: i16 = Event::Confirmed as i16;
pub const WITHDRAWN: i16 = Event::Withdrawn as i16;
pub const RESTORED: i16 = Event::Restored as i16;

/// Waits of more than half a year are told apart no more.
const BUCKETS: usize = 48;

/// How many, as exactly as it may be told: between two bounds, which are one where there is nothing to hide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Figure {
    pub at_least: u64,
    pub at_most: u64,
}

impl Figure {
    /// A count of people, but for one from 1 to 4: of that it tells no more than just this.
    pub fn of(people: u64) -> Figure {
        match people {
            1..FEW => Figure { at_least: 1, at_most: FEW - 1 },
            _ => Figure { at_least: people, at_most: people },
        }
    }

    /// To fives downwards, as is a number that whoever looks every day could take the day before's from.
    pub fn roughly(people: u64) -> Figure {
        match people {
            0..FEW => Figure::of(people),
            _ => Figure { at_least: people / FEW * FEW, at_most: people / FEW * FEW + FEW - 1 },
        }
    }

    /// The count, where it is told exactly.
    pub fn exact(self) -> Option<u64> {
        (self.at_least == self.at_most).then_some(self.at_least)
    }

    /// For people, of a rough one: "about 12,430".
    pub fn about(self) -> String {
        match self.exact() {
            None if !self.is_few() => format!("about {}", grouped(self.at_least)),
            _ => self.to_string(),
        }
    }

    /// Whether it tells of 1 to 4 people and no more than that.
    pub fn is_few(self) -> bool {
        self.at_least > 0 && self.at_most < FEW
    }
}

/// A sum of what is told tells nothing else: no figure that it was made of can be had from it.
impl Add for Figure {
    type Output = Figure;

    fn add(self, other: Figure) -> Figure {
        Figure { at_least: self.at_least + other.at_least, at_most: self.at_most + other.at_most }
    }
}

impl Sum for Figure {
    fn sum<I: Iterator<Item = Figure>>(figures: I) -> Figure {
        figures.fold(Figure::default(), Add::add)
    }
}

/// For people: "1,234", "<5", "1,200–1,260".
impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.exact() {
            Some(count) => f.write_str(&grouped(count)),
            None if self.is_few() => write!(f, "<{FEW}"),
            None => write!(f, "{}–{}", grouped(self.at_least), grouped(self.at_most)),
        }
    }
}

/// 5312 as 5,312.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let head = digits.len() % 3;
    let groups = digits.as_bytes()[head..].chunks(3).map(|group| String::from_utf8_lossy(group).into_owned());
    let head = (head > 0).then(|| digits[..head].to_owned());
    head.into_iter().chain(groups).collect::<Vec<_>>().join(",")
}

/// Seconds at which each bucket of waits but the first begins: 1, then each √2 times the one before. They never change:
/// what is counted by them stays.
pub fn waits() -> Vec<f64> {
    (0..BUCKETS).map(begin).collect()
}

fn begin(n: usize) -> f64 {
    (n as f64 / 2.0).exp2()
}

/// The seconds that half of all people took less than, told from how many are in each bucket; `None` where they are so
/// few that it would be somebody's own time. People are taken to be spread evenly over a bucket on the scale that it is
/// made by, which is at most a fifth off.
pub fn median(buckets: &[(usize, u64)]) -> Option<f64> {
    let all: u64 = buckets.iter().map(|(_, people)| people).sum();
    if all < FEW {
        return None;
    }
    let mut buckets = buckets.to_vec();
    buckets.sort_unstable();
    let mut left = all as f64 / 2.0;
    for (bucket, people) in buckets {
        let people = people as f64;
        if people > 0.0 && left <= people {
            return Some(match bucket.min(BUCKETS) {
                0 => left / people,
                bucket => begin(bucket - 1) * (left / people / 2.0).exp2(),
            });
        }
        left -= people;
    }
    None
}

/// A time as one would say it: "about 3 minutes".
pub fn about(seconds: f64) -> String {
    const UNITS: [(f64, &str, f64); 3] =
        [(60.0, "minute", 100.0), (3600.0, "hour", 36.0), (86400.0, "day", f64::INFINITY)];
    if seconds < 60.0 {
        return "less than a minute".to_owned();
    }
    for (unit, name, below) in UNITS {
        let count = (seconds / unit).round();
        if count < below {
            return format!("about {count} {name}{}", if count == 1.0 { "" } else { "s" });
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_to_four_people_are_told_as_few_and_none_as_none() {
        let told: Vec<String> = (0..7).map(|people| Figure::of(people).to_string()).collect();
        assert_eq!(told, ["0", "<5", "<5", "<5", "<5", "5", "6"]);
        let told = [0, 4, 5, 9, 12_434].map(|people| Figure::roughly(people).to_string());
        assert_eq!(told, ["0", "<5", "5–9", "5–9", "12,430–12,434"]);
        let told = [0, 4, 5, 12_434].map(|people| Figure::roughly(people).about());
        assert_eq!(told, ["0", "<5", "about 5", "about 12,430"]);
        assert_eq!(serde_json::to_string(&Figure::of(3)).unwrap(), r#"{"at_least":1,"at_most":4}"#);
    }

    proptest! {
        /// Whatever is made of figures would be the very same had any of the few been another of the few.
        #[test]
        fn nothing_that_is_told_depends_on_which_of_the_few_they_were(
            days in prop::collection::vec(0u64..9, 1..40), other in 1u64..5,
        ) {
            let hidden = |people: u64| (1..5).contains(&people);
            let changed: Vec<u64> = days.iter().map(|n| if hidden(*n) { other } else { *n }).collect();
            for from in 0..days.len() {
                let told = |days: &[u64]| days[from..].iter().map(|n| Figure::of(*n)).sum::<Figure>();
                prop_assert_eq!(told(&days), told(&changed));
                let true_sum = days[from..].iter().sum::<u64>();
                prop_assert!((told(&days).at_least..=told(&days).at_most).contains(&true_sum));
            }
        }

        #[test]
        fn a_rough_figure_holds_the_true_one_and_four_others(people in 0u64..100_000) {
            let told = Figure::roughly(people);
            prop_assert!((told.at_least..=told.at_most).contains(&people));
            prop_assert!(people == 0 || told.at_most - told.at_least >= 3);
            prop_assert!(people < 5 || told.at_least.is_multiple_of(5));
        }

        #[test]
        fn the_median_told_is_at_most_a_bucket_from_the_true_one(
            mut seconds in prop::collection::vec(1.0f64..5_000_000.0, 5..200)
        ) {
            let limits = waits();
            let bucket = |s: f64| limits.iter().filter(|limit| **limit <= s).count();
            let mut counts = std::collections::BTreeMap::<usize, u64>::new();
            seconds.iter().for_each(|s| *counts.entry(bucket(*s)).or_default() += 1);
            let told = median(&counts.into_iter().collect::<Vec<_>>()).unwrap();
            seconds.sort_by(f64::total_cmp);
            let half = seconds.len() / 2;
            let (low, high) = (seconds[(seconds.len() - 1) / 2], seconds[half]);
            prop_assert!(told >= low / 1.4143 && told <= high * 1.4143, "{told} for {low} to {high}");
        }
    }

    #[test]
    fn the_median_lies_where_half_of_the_people_are_done() {
        assert_eq!(median(&[(9, 4)]), None, "four people's times are their own");
        assert_eq!(median(&[]), None);
        // 16 to 22.6 seconds: in the middle of it, on its own scale.
        assert!((median(&[(9, 6)]).unwrap() - 16.0 * 2f64.powf(0.25)).abs() < 1e-9);
        assert_eq!(median(&[(0, 8)]), Some(0.5));
        assert_eq!(median(&[(48, 3), (9, 1), (13, 4)]), median(&[(9, 1), (13, 4), (48, 3)]));
        assert_eq!(median(&[(BUCKETS, 9)]).map(|s| s > 11_000_000.0), Some(true));
    }

    #[test]
    fn a_time_is_told_as_one_would_say_it() {
        let told =
            [30.0, 59.9, 60.0, 170.0, 3600.0, 5_399.0, 6_000.0, 86_400.0, 130_000.0, 400_000.0].map(about);
        let said = [
            "less than a minute",
            "less than a minute",
            "about 1 minute",
            "about 3 minutes",
            "about 60 minutes",
            "about 90 minutes",
            "about 2 hours",
            "about 24 hours",
            "about 2 days",
            "about 5 days",
        ];
        assert_eq!(told, said);
    }

    #[test]
    fn numbers_are_grouped() {
        let told = [0, 12, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(told, ["0", "12", "999", "1,000", "1,234,567"]);
    }
}
