//! `optin notice announce`: everybody who agreed to an earlier version of a list's notice is told of the present one,
//! once. Where the purpose is new, the letter asks whether they agree.
//!
//! Crash points: anywhere. Who is told is noted with their letter by one statement a handful, so the next run tells the
//! rest.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;

use crate::app::{key_ring, open_store};
use crate::clock::Clock;
use crate::commands::list::{find, people};
use crate::commands::service::shutdown_signal;
use crate::commands::{config, counted, grouped};
use crate::store::{Store, StoreError};
use crate::token::SubscriptionId;

/// The most letters that are queued at once.
const HANDFUL: u32 = 100;
/// How often a line tells how far it is, where nobody sees the bar.
const EVERY: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub struct Options {
    /// The list's slug
    slug: String,
    /// How many letters a second, 1 to 1000: as many as your relay likes
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rate: u32,
}

pub async fn run(options: Options) -> anyhow::Result<()> {
    let config = config()?;
    let keys = key_ring(&config)?;
    let store = open_store(&config, &keys)?;
    store.compare_ring(&keys).await?;
    let (list, notice) = find(&store, &options.slug).await?;
    ensure!(!list.is_closed, "the list `{}` is closed for ever: there is nobody to tell", list.slug);
    ensure!(!store.is_held(list.number).await?, StoreError::Held);
    let owed = store.count_unannounced(list.number).await?;
    if owed == 0 {
        println!(
            "There is nobody to tell: everybody on `{}` has agreed to version {} of its notice, or has been told of it.",
            list.slug, notice.version,
        );
        return Ok(());
    }
    println!(
        "To be told of version {} of the notice of `{}`: {}. At {} a second that takes {}.",
        notice.version,
        list.slug,
        people(owed),
        counted(options.rate.into(), "letter", "letters"),
        HumanDuration(time_for(owed, options.rate)),
    );
    let told = tell(&store, list.number, owed, options.rate).await?;
    println!("{} will be told: the letters go out while `optin serve` runs", people(told));
    Ok(())
}

/// Tells a list's people, at most so many a second, and returns how many.
async fn tell(store: &Store, list: u32, owed: i64, rate: u32) -> anyhow::Result<i64> {
    let (shutdown, mut progress) = (shutdown_signal()?, Progress::of(owed, rate));
    let (mut told, mut last) = (0, SubscriptionId([0; 14]));
    loop {
        let began = Instant::now();
        let handful = store.announce_notice(list, last, rate.min(HANDFUL), Clock::System.now()).await;
        let handful = handful.with_context(|| stopped(told, owed))?;
        told += i64::from(handful.people);
        progress.show(told);
        let Some(next) = handful.last else { break };
        last = next;
        // By the clock, from when this handful began: a database that was slow is not made up for.
        let pause = tokio::time::sleep_until(began + time_for(handful.people.into(), rate));
        if shutdown.run_until_cancelled(pause).await.is_none() {
            bail!(stopped(told, owed));
        }
    }
    progress.bar.finish_and_clear();
    Ok(told)
}

fn stopped(told: i64, owed: i64) -> String {
    format!(
        "stopped when {} of {} were to be told; run the same command again to go on: it tells the rest, and nobody twice",
        grouped(told.unsigned_abs()),
        people(owed),
    )
}

/// How long so many letters take.
fn time_for(letters: i64, rate: u32) -> Duration {
    Duration::from_secs_f64(letters as f64 / f64::from(rate))
}

/// A bar on a terminal's standard error; elsewhere a line now and then.
struct Progress {
    bar: ProgressBar,
    owed: i64,
    rate: u32,
    said: Instant,
}

impl Progress {
    fn of(owed: i64, rate: u32) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(owed.unsigned_abs()), ProgressDrawTarget::stderr());
        bar.set_style(
            ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len}, {eta} left")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        Progress { bar, owed, rate, said: Instant::now() }
    }

    fn show(&mut self, told: i64) {
        self.bar.set_position(told.unsigned_abs());
        if !io::stderr().is_terminal() && self.said.elapsed() >= EVERY {
            self.said = Instant::now();
            println!("{}", line(told, self.owed, self.rate));
        }
    }
}

fn line(told: i64, owed: i64, rate: u32) -> String {
    let left = HumanDuration(time_for((owed - told).max(0), rate));
    format!("{} of {}, {left} left", grouped(told.unsigned_abs()), people(owed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_take_their_time_and_lines_tell_how_much_is_left() {
        assert_eq!(time_for(100, 1000), Duration::from_millis(100));
        assert_eq!(time_for(0, 1), Duration::ZERO);
        assert_eq!(line(4, 1204, 10), "4 of 1,204 people, 2 minutes left");
        assert_eq!(line(1300, 1204, 10), "1,300 of 1,204 people, 0 seconds left");
    }
}
