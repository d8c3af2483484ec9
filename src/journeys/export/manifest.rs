//! What an export's file is, told beside it.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::format::Format;
use crate::consent::list::List;
use crate::store::export::history::Made;

/// The large mailbox providers want whoever has left to get no mail after two days (RFC 8058 leaves the time open), and
/// nobody tells an old file who has. The feed does, to whoever keeps a copy longer; past the list's `feed_days` it does
/// not either.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(48);

/// Until when the file may be written to people from.
pub fn valid_until(list: &List, made_at: Timestamp) -> Timestamp {
    let feed = SignedDuration::from_hours(24 * i64::from(list.options.feed_days));
    made_at + GOOD_FOR.min(feed)
}

/// An export's manifest. It names nobody but the operator.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Manifest {
    /// The export's random id, in hex: both of its entries in the trail have it.
    pub export: String,
    /// The list's slug.
    pub list: String,
    /// `csv`, `jsonl`, `listmonk` or `mailchimp`.
    pub format: String,
    /// Whether all of the file was handed over. Where it is not, whatever arrived is to be thrown away.
    pub finished: bool,
    /// People in the file; null until it is finished.
    pub rows: Option<u64>,
    /// Of the file, not compressed, in hex; null until it is finished.
    pub sha256: Option<String>,
    /// How many entries the list's trail had in the snapshot that the rows are from.
    pub tree_size: u64,
    /// The trail's signed checkpoint at that size.
    pub checkpoint: String,
    #[schema(format = "date-time")]
    pub made_at: String,
    /// After this nobody is to be written to from the file: who has left since is still in it.
    #[schema(format = "date-time")]
    pub valid_until: String,
    /// The cursor at which the list's feed goes on from the file.
    pub feed: String,
    /// In whose name it was made.
    pub operator: String,
}

impl Manifest {
    /// Of an export that the history knows.
    pub fn of(slug: &str, made: &Made) -> Manifest {
        let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
        Manifest {
            export: hex(&made.export),
            list: slug.to_owned(),
            format: made.format.clone(),
            finished: made.whole.is_some(),
            rows: made.whole.as_ref().map(|whole| whole.rows),
            sha256: made.whole.as_ref().map(|whole| hex(&whole.sha256)),
            tree_size: made.tree_size,
            checkpoint: made.checkpoint.clone(),
            made_at: made.at.to_string(),
            valid_until: made.valid_until.to_string(),
            feed: made.feed.clone(),
            operator: made.operator.clone(),
        }
    }

    /// The name that the file is given where nobody gives it another.
    pub fn file_name(slug: &str, format: Format, made_at: Timestamp) -> String {
        format!("{slug}-{}.{}", made_at.strftime("%Y-%m-%d"), format.extension())
    }
}
