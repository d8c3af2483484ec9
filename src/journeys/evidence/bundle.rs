//! An evidence ZIP: a receipt without secret, the record and the notice that it holds as files of their own, and more
//! for people to read, which proves nothing.

use std::io::{Cursor, Read as _, Write as _};

use zip::result::{ZipError, ZipResult};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::Pieces;
use crate::consent::receipt::{self, Receipt};

/// The members that prove something. [`write()`] takes others too.
pub const EVIDENCE: &str = "evidence.json";
pub const RECORD: &str = "record.json";
pub const NOTICE: &str = "notice.json";

/// The most bytes that are read of a ZIP.
pub const MAX_BYTES: usize = 16 << 20;
/// The most files that it may have.
const MAX_MEMBERS: usize = 16;

/// What a ZIP holds that proves something. Its `Debug` shows nothing of it, for it has none.
pub struct Bundle {
    pub evidence: Vec<u8>,
    record: Vec<u8>,
    notice: Vec<u8>,
}

/// Why a ZIP is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleFault {
    #[error("it is larger than a ZIP of evidence can be")]
    TooLarge,
    #[error("it is not a ZIP that can be read")]
    NotAZip,
    #[error("it holds more than {MAX_MEMBERS} files")]
    TooManyMembers,
    #[error("it holds two files of one name")]
    Duplicate,
    #[error("it holds no `{0}`")]
    Missing(&'static str),
    #[error("its `{0}` cannot be unpacked")]
    Unreadable(&'static str),
    #[error("its `{0}` unpacks to more than it can have: it is not unpacked")]
    Bomb(&'static str),
    #[error("its `{0}` is not what its `evidence.json` holds: one of them was changed")]
    Differs(&'static str),
}

/// Whether these bytes begin as a ZIP does.
pub fn is_bundle(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// The ZIP of these members, names and bytes, in this order. The same members make the same bytes.
pub fn write(members: &[(&str, &[u8])]) -> ZipResult<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, options)?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// The ZIP of an evidence's pieces.
pub fn of(pieces: &Pieces) -> ZipResult<Vec<u8>> {
    write(&[
        ("summary.html", &pieces.summary),
        ("notice.txt", &pieces.text),
        (EVIDENCE, &pieces.evidence),
        (RECORD, &pieces.record),
        (NOTICE, &pieces.notice),
    ])
}

/// Reads a ZIP, and of its members those that prove something. Sizes that it tells are not believed.
pub fn read(bytes: &[u8]) -> Result<Bundle, BundleFault> {
    if bytes.len() > MAX_BYTES {
        return Err(BundleFault::TooLarge);
    }
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|_| BundleFault::NotAZip)?;
    if zip.has_duplicate_names() {
        return Err(BundleFault::Duplicate);
    }
    if zip.len() > MAX_MEMBERS {
        return Err(BundleFault::TooManyMembers);
    }
    let mut member = |name| read_member(&mut zip, name);
    Ok(Bundle { evidence: member(EVIDENCE)?, record: member(RECORD)?, notice: member(NOTICE)? })
}

fn read_member(zip: &mut ZipArchive<Cursor<&[u8]>>, name: &'static str) -> Result<Vec<u8>, BundleFault> {
    let member = zip.by_name(name).map_err(|error| match error {
        ZipError::FileNotFound => BundleFault::Missing(name),
        _ => BundleFault::Unreadable(name),
    })?;
    let mut bytes = Vec::new();
    // One byte too many tells that there are too many.
    let most = receipt::MAX_BYTES as u64 + 1;
    member.take(most).read_to_end(&mut bytes).map_err(|_| BundleFault::Unreadable(name))?;
    if bytes.len() > receipt::MAX_BYTES { Err(BundleFault::Bomb(name)) } else { Ok(bytes) }
}

impl Bundle {
    /// Whether its files are those that its receipt holds, byte for byte.
    pub fn agrees(&self, receipt: &Receipt) -> Result<(), BundleFault> {
        for (name, bytes, held) in
            [(RECORD, &self.record, receipt.record()), (NOTICE, &self.notice, receipt.notice())]
        {
            if bytes != held.as_bytes() {
                return Err(BundleFault::Differs(name));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
