//! The relays in their order of preference, and which of them is tried next.

use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::relay::{Relay, RelayError};

/// For so long a relay that could not be used is passed over.
pub const PASS_OVER: SignedDuration = SignedDuration::from_mins(1);

/// One relay or several. Its Debug tells no credentials.
#[derive(Debug)]
pub struct Relays {
    /// At least one.
    all: Vec<Stop>,
}

#[derive(Debug)]
struct Stop {
    relay: Relay,
    failed_at: Mutex<Option<Timestamp>>,
}

/// Which relay's URL is wrong, and how. Repeats nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelaysError {
    #[error("{0}")]
    Only(RelayError),
    #[error("the {} of its URLs: {error}", ordinal(*place))]
    Among { place: usize, error: RelayError },
}

fn ordinal(n: usize) -> &'static str {
    ["first", "second", "third", "fourth"].get(n).copied().unwrap_or("fifth or a later")
}

/// Reads one URL or more, as [`Relay`] has them, with spaces or commas between. Within a URL a comma is `%2C`.
impl FromStr for Relays {
    type Err = RelaysError;

    fn from_str(text: &str) -> Result<Relays, RelaysError> {
        let separates = |c: char| c == ',' || c.is_ascii_whitespace();
        let urls: Vec<_> = text.split(separates).filter(|url| !url.is_empty()).collect();
        let relay = |(n, url): (usize, &&str)| match url.parse() {
            Ok(relay) => Ok(Stop { relay, failed_at: Mutex::new(None) }),
            Err(error) if urls.len() == 1 => Err(RelaysError::Only(error)),
            Err(error) => Err(RelaysError::Among { place: n, error }),
        };
        let all = urls.iter().enumerate().map(relay).collect::<Result<Vec<_>, _>>()?;
        if all.is_empty() { Err(RelaysError::Only(RelayError::Url)) } else { Ok(Relays { all }) }
    }
}

impl Relays {
    pub(super) fn at(&self, place: usize) -> &Relay {
        &self.all[place].relay
    }

    /// The places of those to try, in this order: all that are well; where none is, the one that has not been tried the
    /// longest.
    pub(super) fn to_try(&self, now: Timestamp) -> Vec<usize> {
        let well: Vec<_> = (0..self.all.len()).filter(|&place| self.is_well(place, now)).collect();
        if !well.is_empty() {
            return well;
        }
        (0..self.all.len()).min_by_key(|&place| self.failed_at(place)).into_iter().collect()
    }

    /// Whether one that comes before this place is well.
    pub(super) fn has_better(&self, place: usize, now: Timestamp) -> bool {
        (0..place).any(|before| self.is_well(before, now))
    }

    /// It failed at `at`, or works.
    pub(super) fn note(&self, place: usize, failed_at: Option<Timestamp>) {
        *self.all[place].failed_at.lock().unwrap_or_else(PoisonError::into_inner) = failed_at;
    }

    fn failed_at(&self, place: usize) -> Option<Timestamp> {
        *self.all[place].failed_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A clock that was put back must not make a minute longer.
    fn is_well(&self, place: usize, now: Timestamp) -> bool {
        self.failed_at(place).is_none_or(|at| !(at..at + PASS_OVER).contains(&now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_urls_are_taken_and_a_wrong_one_is_named_and_not_quoted() {
        let read = |text: &str| text.parse::<Relays>().map(|relays| relays.all.len());
        assert_eq!(read("smtp://a.test"), Ok(1));
        assert_eq!(
            read(" smtp://a.test, smtps://u:p%2C@b.test:465 \n smtp://127.0.0.1,smtp://[::1]:25 "),
            Ok(4)
        );
        assert_eq!(read(" , "), Err(RelaysError::Only(RelayError::Url)));
        assert_eq!(read("smtp://"), Err(RelaysError::Only(RelayError::Host)));
        let wrong = read("smtp://a.test smtps://u:hunter2@m%20ail").unwrap_err();
        assert_eq!(wrong, RelaysError::Among { place: 1, error: RelayError::Host });
        assert!(wrong.to_string().starts_with("the second of its URLs: the relay's URL needs"), "{wrong}");
        let wrong = read("smtps://u:hunt,er2@a.test").unwrap_err();
        assert!(
            wrong.to_string().starts_with("the first of its URLs: ") && !wrong.to_string().contains("hunt")
        );
        assert_eq!(RelaysError::Only(RelayError::Tail).to_string(), RelayError::Tail.to_string());
    }

    #[test]
    fn the_first_that_is_well_comes_first_and_one_that_failed_comes_back_after_a_minute() {
        let relays: Relays = "smtp://a.test smtp://b.test smtp://c.test".parse().unwrap();
        let at = |seconds| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
        assert_eq!(relays.to_try(at(0)), [0, 1, 2]);
        relays.note(0, Some(at(10)));
        assert_eq!(relays.to_try(at(69)), [1, 2]);
        assert_eq!(relays.to_try(at(70)), [0, 1, 2]);
        assert_eq!(relays.to_try(at(9)), [0, 1, 2], "the clock was put back");
        assert!(
            !relays.has_better(1, at(69)) && relays.has_better(1, at(70)) && relays.has_better(2, at(69))
        );
        relays.note(2, Some(at(11)));
        relays.note(1, Some(at(12)));
        assert_eq!(relays.to_try(at(20)), [0], "none is well: the one that failed first");
        relays.note(0, Some(at(20)));
        assert_eq!(relays.to_try(at(20)), [2]);
        relays.note(2, None);
        assert_eq!(relays.to_try(at(20)), [2]);
    }
}
