//! How many letters a minute go to one domain.
//!
//! Large mail providers turn a sender away that comes too fast, and not only the letters that were too many. So letters
//! to one domain go at even distances: in no minute are there more than the setting says, and none in a burst. What is
//! too early is told when to come back: each a distance after the one that was told before it, so that a thousand
//! letters that wait for one provider are not all looked at again at once.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// Nobody is told to come back later than this: a setting may have been raised by then.
const LONGEST: SignedDuration = SignedDuration::from_hours(1);
/// From so many domains on, those are forgotten that nobody has to wait for any more.
const MANY: usize = 1024;

/// The paces of all domains, shared by all workers. Knows domains, and shows none.
pub struct Pace {
    /// Between two letters; nothing where there is no limit.
    distance: Option<SignedDuration>,
    domains: Mutex<HashMap<String, Domain>>,
}

#[derive(Clone, Copy)]
struct Domain {
    /// When the next letter may go.
    free_at: Timestamp,
    /// When the next that is too early is to come back, unless that has passed.
    back_at: Timestamp,
}

impl Pace {
    /// So many letters a minute, 1 or more; or as many as there are.
    pub fn new(letters_per_minute: Option<u32>) -> Pace {
        let distance =
            |letters: u32| SignedDuration::from_micros(60_000_000_u64.div_ceil(letters.max(1).into()) as i64);
        Pace { distance: letters_per_minute.map(distance), domains: Mutex::default() }
    }

    /// Whether a letter may go to this address's domain now, and is counted; otherwise when it is to come back.
    pub fn take_turn(&self, address: &str, now: Timestamp) -> Result<(), Timestamp> {
        let Some(distance) = self.distance else { return Ok(()) };
        let domain = address.rsplit_once('@').map_or(address, |(_, domain)| domain).to_ascii_lowercase();
        let mut domains = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
        if domains.len() >= MANY && domains.len() == domains.capacity() {
            domains.retain(|_, domain| domain.back_at > now || domain.free_at > now);
        }
        let known = domains.entry(domain).or_insert(Domain { free_at: now, back_at: now });
        // A clock that was put back would have everybody wait until it is where it was.
        if known.free_at <= now || known.free_at > now + distance {
            known.free_at = now + distance;
            return Ok(());
        }
        if known.back_at < known.free_at || known.back_at > now + LONGEST + distance {
            known.back_at = known.free_at;
        }
        let back_at = known.back_at;
        if back_at < now + LONGEST {
            known.back_at += distance;
        }
        Err(back_at)
    }
}

/// Tells no domain.
impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pace(distance: {:?})", self.distance)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BinaryHeap;

    use super::*;
    use proptest::prelude::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_millis(millis as i64)
    }

    proptest! {
        #[test]
        fn no_minute_has_more_and_one_domain_waits_for_no_other(
            limit in 1..200_u32,
            steps in proptest::collection::vec((0..20_000_u64, 0..3_usize), 1..200),
        ) {
            let pace = Pace::new(Some(limit));
            let alone: Vec<_> = (0..3).map(|_| Pace::new(Some(limit))).collect();
            let mut sent = vec![Vec::new(); 3];
            let mut now = 0;
            for (millis, domain) in steps {
                // Many come at one moment.
                now += millis.saturating_sub(10_000);
                let turn = pace.take_turn(&format!("x@D{domain}.test"), at(now));
                prop_assert_eq!(turn, alone[domain].take_turn("y@d.test", at(now)));
                match turn {
                    Ok(()) => sent[domain].push(now),
                    Err(back_at) => prop_assert!(back_at > at(now)),
                }
            }
            for times in sent {
                for (n, start) in times.iter().enumerate() {
                    let within = times[n..].iter().filter(|time| **time < start + 60_000).count();
                    prop_assert!(within <= limit as usize, "{} of {}", within, limit);
                }
            }
        }

        #[test]
        fn letters_that_come_together_go_one_after_another_and_are_looked_at_twice(limit in 1..1000_u32, letters in 1..500_u32) {
            let pace = Pace::new(Some(limit));
            let mut due: BinaryHeap<_> = (0..letters).map(|_| std::cmp::Reverse(at(0))).collect();
            let (mut last, mut looks) = (at(0), 0);
            while let Some(std::cmp::Reverse(now)) = due.pop() {
                looks += 1;
                match pace.take_turn("x@d.test", now) {
                    Ok(()) => last = now,
                    Err(back_at) => due.push(std::cmp::Reverse(back_at)),
                }
            }
            let distance = pace.distance.unwrap();
            if distance * letters as i32 <= LONGEST {
                prop_assert_eq!(last, at(0) + distance * (letters as i32 - 1));
                prop_assert_eq!(looks, 2 * letters - 1);
            }
        }
    }

    #[test]
    fn without_a_limit_all_may_go_at_once() {
        let pace = Pace::new(None);
        assert!((0..1000).all(|_| pace.take_turn("x@d.test", at(0)).is_ok()));
    }

    #[test]
    fn a_clock_that_was_put_back_holds_nobody_up() {
        let pace = Pace::new(Some(1));
        let hour = 3_600_000;
        assert!(pace.take_turn("x@d.test", at(24 * hour)).is_ok());
        assert!(pace.take_turn("x@d.test", at(24 * hour)).is_err());
        assert!(pace.take_turn("x@d.test", at(0)).is_ok());
        assert_eq!(pace.take_turn("x@d.test", at(0)), Err(at(60_000)));
    }

    #[test]
    fn nobody_is_sent_away_for_longer_than_an_hour() {
        let pace = Pace::new(Some(1));
        let back = (0..1000).filter_map(|_| pace.take_turn("x@d.test", at(0)).err());
        assert_eq!(back.max(), Some(at(3_600_000)));
    }

    #[test]
    fn domains_that_nobody_waits_for_are_forgotten() {
        let pace = Pace::new(Some(60));
        for n in 0..100_000 {
            assert!(pace.take_turn(&format!("x@d{n}.test"), at(n * 10)).is_ok());
        }
        assert!(pace.domains.lock().unwrap().capacity() < 4 * MANY);
        assert!(!format!("{pace:?}").contains("test"));
    }
}
