//! Where a trail is read from.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::ensure;

use super::database::Database;
use super::fault::{Fault, Piece, Unreadable, Wrong, length};
use super::folder::Folder;
use super::web::{NotATrail, TrailUrl, Web};
use crate::trail::checkpoint::{Checkpoint, CheckpointError};
use crate::trail::note::{Note, Verifier};
use crate::trail::tile::{Kind, Tile};

/// Where a trail, or a checkpoint, is said to be.
#[derive(Clone, Debug)]
pub enum Place {
    Url(TrailUrl),
    Path(PathBuf),
}

impl FromStr for Place {
    type Err = NotATrail;

    fn from_str(text: &str) -> Result<Place, NotATrail> {
        if text.contains("://") { text.parse().map(Place::Url) } else { Ok(Place::Path(text.into())) }
    }
}

/// What can be read piece by piece.
pub enum Source {
    Web(Web),
    Folder(Folder),
    Database(Box<Database>),
}

impl Source {
    pub fn open(place: &Place, token_file: Option<&Path>) -> anyhow::Result<Source> {
        Ok(match place {
            Place::Url(url) => Source::Web(Web::open(url, token_file)?),
            Place::Path(path) => {
                ensure!(token_file.is_none(), "--token-file is shown to a URL alone");
                Source::Folder(Folder::new(path))
            }
        })
    }

    /// A piece's bytes; nothing where it is not there.
    pub async fn find(&self, piece: Piece) -> Result<Option<Vec<u8>>, Fault> {
        match self {
            Source::Web(web) => web.find(piece).await,
            Source::Folder(folder) => folder.find(piece),
            Source::Database(database) => database.find(piece).await,
        }
    }

    /// A tile's bytes, be they taken from the beginning of the full tile that it became meanwhile.
    pub async fn find_tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, Fault> {
        let found = self.find(Piece::Tile(tile)).await?;
        if found.is_some() || tile.is_full() {
            return Ok(found);
        }
        self.find_beginning(tile, tile.full()).await
    }

    /// A tile's bytes from the beginning of one that it has grown into.
    pub async fn find_beginning(&self, tile: Tile, grown: Tile) -> Result<Option<Vec<u8>>, Fault> {
        let found = self.find(Piece::Tile(grown)).await?;
        Ok(found.map(|mut bytes| {
            bytes.truncate(length(tile));
            bytes
        }))
    }

    /// The same, where the tile must be there.
    pub async fn tile(&self, tile: Tile) -> Result<Vec<u8>, Fault> {
        self.find_tile(tile).await?.ok_or_else(|| Wrong::Missing.in_tile(tile))
    }

    /// Whether a key that it names is known to be right: that of the settings, beside the database.
    pub fn knows_the_key(&self) -> bool {
        matches!(self, Source::Database(_))
    }

    /// The bytes of the signed note.
    pub async fn checkpoint(&self) -> Result<Vec<u8>, Fault> {
        let absent = || Unreadable::Absent.at(Piece::Checkpoint);
        self.find(Piece::Checkpoint).await?.ok_or_else(absent)
    }

    /// The key that the source itself names.
    pub async fn key(&self) -> Result<Option<Verifier>, Fault> {
        let Some(bytes) = self.find(Piece::Key).await? else { return Ok(None) };
        read_key(&bytes).map(Some).map_err(|wrong| wrong.at(Piece::Key))
    }

    /// Whether the entries of a tree of that size can be read, and not only hashes.
    pub async fn has_entries(&self, size: u64) -> Result<bool, Fault> {
        let Some(first) = Tile::of(Kind::Entries, 0, size) else { return Ok(true) };
        let web = match self {
            Source::Folder(folder) => return Ok(folder.has_entries()),
            Source::Database(_) => return Ok(true),
            Source::Web(web) => web,
        };
        match self.find_tile(first).await {
            Err(Fault::Unreadable { why: Unreadable::Refused, .. }) if !web.has_token() => Ok(false),
            Ok(None) if web.has_token() => Err(Wrong::Missing.in_tile(first)),
            found => Ok(found?.is_some()),
        }
    }
}

/// A checkpoint that the key has signed, of the log that the key is named after.
pub fn open_checkpoint(bytes: &[u8], key: &Verifier) -> Result<Checkpoint, Fault> {
    let note = Note::parse(bytes).map_err(CheckpointError::from);
    let opened = note.and_then(|note| Checkpoint::open(&note, key.name(), key));
    opened.map_err(|error| Wrong::from(error).at(Piece::Checkpoint))
}

fn read_key(bytes: &[u8]) -> Result<Verifier, Wrong> {
    let text = str::from_utf8(bytes).unwrap_or_default();
    Ok(Verifier::parse(text.strip_suffix('\n').unwrap_or(text))?)
}
