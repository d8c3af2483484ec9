//! A reader's place in a feed, as it is handed out.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use tokio_postgres::Row;

use crate::store::rows::{fixed, number};
use crate::store::{StoreError, sql};

/// version ‖ list u32be ‖ epoch ‖ number u64be.
const LENGTH: usize = 29;
const VERSION: u8 = 1;

/// A place in a list's feed. Readers keep its text, and know nothing of what it says: 39 characters of base64url.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedCursor {
    pub(in crate::store) list: u32,
    pub(in crate::store) epoch: [u8; 16],
    pub(in crate::store) n: u64,
}

/// A text that never was a cursor, at least not of this version.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("this is no cursor of a feed: take it as an export's manifest or the feed gave it")]
pub struct CursorError;

impl FeedCursor {
    /// The list that it is of, as it says.
    pub fn list(&self) -> u32 {
        self.list
    }

    /// The end of a list's feed as the transaction sees it. The feed must have begun.
    pub(in crate::store) async fn at_end(
        transaction: &impl deadpool_postgres::GenericClient,
        list: u32,
    ) -> Result<FeedCursor, StoreError> {
        let row = transaction.query_one(sql::FIND_FEED, &[&number(list), &i64::MAX]).await?;
        FeedCursor::of(list, &row)
    }

    fn of(list: u32, row: &Row) -> Result<FeedCursor, StoreError> {
        let last: i64 = row.try_get("last")?;
        let n = u64::try_from(last).map_err(|_| StoreError::Malformed("a feed's end"))?;
        Ok(FeedCursor { list, epoch: fixed(row, "epoch")?, n })
    }

    /// As the database counts. A number that is beyond all is as good as the greatest.
    pub(in crate::store) fn number(&self) -> Result<i64, StoreError> {
        Ok(i64::try_from(self.n).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for FeedCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [VERSION; LENGTH];
        bytes[1..5].copy_from_slice(&self.list.to_be_bytes());
        bytes[5..21].copy_from_slice(&self.epoch);
        bytes[21..].copy_from_slice(&self.n.to_be_bytes());
        f.write_str(&BASE64URL_NOPAD.encode(&bytes))
    }
}

impl FromStr for FeedCursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<FeedCursor, CursorError> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| CursorError)?;
        let bytes: [u8; LENGTH] = bytes.try_into().map_err(|_| CursorError)?;
        if bytes[0] != VERSION {
            return Err(CursorError);
        }
        let (mut list, mut epoch, mut n) = ([0; 4], [0; 16], [0; 8]);
        list.copy_from_slice(&bytes[1..5]);
        epoch.copy_from_slice(&bytes[5..21]);
        n.copy_from_slice(&bytes[21..]);
        Ok(FeedCursor { list: u32::from_be_bytes(list), epoch, n: u64::from_be_bytes(n) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_and_no_other_text_is_one() {
        let cursor = FeedCursor { list: 7, epoch: [9; 16], n: u64::MAX - 1 };
        let text = cursor.to_string();
        assert_eq!(text.len(), 39);
        assert_eq!(text.parse(), Ok(cursor));
        let longer = format!("{text}AAAA");
        let padded = format!("{text}=");
        let other_version = format!("B{}", &text[1..]);
        // The last character has two bits that say nothing, and are zeros.
        let not_strict = format!("{}{}", &text[..38], "_");
        for bad in ["", "1", "=", &text[1..], &longer, &padded, &other_version, &not_strict, "ä"] {
            assert_eq!(bad.parse::<FeedCursor>(), Err(CursorError), "{bad}");
        }
    }
}
