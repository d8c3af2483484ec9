//! What is said of a receipt: a line for people, or an object for programs.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::commands::grouped;
use crate::commands::trail::web::TrailUrl;
use crate::consent::receipt::{Proven, Receipt};
use crate::trail::entry::Event;
use crate::trail::trace::Act;

/// What has been found out, in the order in which it was. It holds nothing of the person but what the log has.
#[derive(Default, Serialize)]
pub struct Report {
    pub verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    key: Option<String>,
    key_on_trust: bool,
    origin: Option<String>,
    list: Option<u32>,
    notice: Option<u32>,
    purpose: Option<u32>,
    event: Option<&'static str>,
    #[serde(serialize_with = "as_time")]
    hour: Option<u32>,
    index: Option<u64>,
    /// The entries of the trail that was looked at, else of the receipt's own checkpoint.
    pub size: Option<u64>,
    /// Whether the trail that was looked at goes on from the receipt's checkpoint.
    pub consistent: Option<bool>,
    /// What was done later; nothing where it was not looked for.
    #[serde(serialize_with = "as_acts")]
    pub since: Option<Vec<Act>>,
    /// Where the receipt says that the trail is, if it can be shown.
    #[serde(skip)]
    trail: Option<String>,
}

#[derive(Serialize)]
struct Later {
    event: &'static str,
    #[serde(serialize_with = "as_time")]
    hour: Option<u32>,
    index: u64,
}

impl Report {
    pub fn tell(&mut self, receipt: &Receipt, proven: &Proven, key_on_trust: bool) {
        *self = Report {
            key: Some(receipt.key().to_string()),
            key_on_trust,
            origin: Some(proven.checkpoint.origin().to_owned()),
            list: Some(proven.list),
            notice: Some(proven.notice),
            purpose: Some(proven.purpose),
            event: Some(proven.event.name()),
            hour: Some(proven.hour),
            index: Some(proven.index),
            size: Some(proven.checkpoint.size()),
            trail: shown(receipt.trail()),
            ..Report::default()
        };
    }

    /// The verdict for people.
    pub fn line(&self) -> String {
        if let Some(fault) = &self.fault {
            return format!("{}: {fault}", self.verdict);
        }
        let did = if self.event == Some(Event::Renewed.name()) { "agreed anew" } else { "consented" };
        let (notice, hour) = (self.notice.unwrap_or_default(), when(self.hour.unwrap_or_default()));
        let found = if self.consistent.is_some() { self.later() } else { self.alone() };
        let trust = if self.key_on_trust { " (the receipt's own key was taken on trust)" } else { "" };
        format!("{did} to notice {notice} in hour {hour}; {found}{trust}")
    }

    /// What the trail tells.
    fn later(&self) -> String {
        let size = self.size.unwrap_or_default();
        let entries = if size == 1 { "entry" } else { "entries" };
        let trail = format!("trail consistent ({} {entries})", grouped(size));
        let Some(since) = &self.since else {
            return format!("what came later cannot be looked for, as the file has no secret; {trail}");
        };
        let count = |event| since.iter().filter(|act| act.event == event).count();
        let mut told: Vec<String> =
            since.iter().map(|act| format!("{} in hour {}", act.event, when(act.hour))).collect();
        let again = if count(Event::Withdrawn) > 0 { " again" } else { "" };
        if count(Event::Withdrawn) <= count(Event::Restored) {
            told.push(format!("not withdrawn{again} up to entry {}", grouped(size.saturating_sub(1))));
        }
        told.push(trail);
        told.join("; ")
    }

    /// What a receipt tells without the trail.
    fn alone(&self) -> String {
        let index = grouped(self.index.unwrap_or_default());
        let origin = plain(self.origin.as_deref().unwrap_or_default());
        let trail = self.trail.as_deref().unwrap_or("URL");
        format!(
            "entry {index} of {origin}; whether it was withdrawn since, the file alone cannot tell: add --trail {trail}"
        )
    }
}

/// An hour since the Unix epoch as people read it.
pub fn when(hour: u32) -> String {
    time(hour).strftime("%Y-%m-%d %H:%MZ").to_string()
}

fn time(hour: u32) -> Timestamp {
    Timestamp::from_second(i64::from(hour) * 3600).unwrap_or(Timestamp::MAX)
}

fn as_time<S: Serializer>(hour: &Option<u32>, to: S) -> Result<S::Ok, S::Error> {
    hour.map(time).serialize(to)
}

fn as_acts<S: Serializer>(acts: &Option<Vec<Act>>, to: S) -> Result<S::Ok, S::Error> {
    let later = |act: &Act| Later { event: act.event.name(), hour: Some(act.hour), index: act.index };
    acts.as_ref().map(|acts| acts.iter().map(later).collect::<Vec<_>>()).serialize(to)
}

/// A text that somebody else chose, without what a terminal would obey: the names of logs are plain.
pub fn plain(text: &str) -> String {
    let keep = |letter: char| if letter == ' ' || letter.is_ascii_graphic() { letter } else { '\u{FFFD}' };
    text.chars().map(keep).collect()
}

/// JSON of the same value, in which programs find all that somebody else chose, and a terminal nothing to obey.
pub fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            ' '..='~' => text.push(letter),
            _ => letter.encode_utf16(&mut [0; 2]).iter().for_each(|unit| text += &format!("\\u{unit:04x}")),
        }
    }
    text
}

/// A trail's URL that whoever made a file chose, if a shell that it is pasted into makes nothing else of it.
fn shown(trail: &str) -> Option<String> {
    let url = trail.parse::<TrailUrl>().ok()?.to_string();
    let is_plain = url.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/%".contains(&byte));
    is_plain.then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_hours_are_told_as_people_read_them() {
        let told = [0, 7, 999, 1_000, 12_345, 123_456, 1_234_567].map(grouped);
        assert_eq!(told, ["0", "7", "999", "1,000", "12,345", "123,456", "1,234,567"]);
        assert_eq!(when(498_230), "2026-11-02 14:00Z");
        assert_eq!(when(u32::MAX).len(), when(0).len());
    }

    #[test]
    fn a_terminal_and_a_shell_find_nothing_to_obey_in_what_a_file_says() {
        assert_eq!(plain("news.example:80/trails/1"), "news.example:80/trails/1");
        assert_eq!(plain("a\u{1b}[2J\u{9b}\u{202e}b"), "a\u{FFFD}[2J\u{FFFD}\u{FFFD}b");
        let url = "https://news.example:8080/trails/news-1/";
        assert_eq!(shown(url).as_deref(), Some(url));
        for other in [
            "https://news.example/$(reboot)",
            "https://news.example/;reboot",
            "https://news.example/a'b",
            "http://news.example/trails/news",
            "--json",
            "",
        ] {
            assert_eq!(shown(other), None, "{other}");
        }
    }
}
