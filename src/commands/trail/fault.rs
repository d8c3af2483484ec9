//! What can be wrong with a trail, and where.

use std::{fmt, io};

use crate::store::StoreError;
use crate::trail::audit;
use crate::trail::checkpoint::CheckpointError;
use crate::trail::entry;
use crate::trail::note::{self, NoteError};
use crate::trail::tile::{BadBundle, Kind, Tile};

/// A file of a trail. It is displayed as its path below the trail's URL or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    Checkpoint,
    Key,
    Tile(Tile),
}

impl Fault {
    /// The piece that it was met in.
    pub fn place(&self) -> Piece {
        match self {
            Fault::Wrong { place, .. } | Fault::Unreadable { place, .. } | Fault::Unwritten { place, .. } => {
                *place
            }
            Fault::Mirror(fault) => fault.place(),
        }
    }

    /// The same, where it was met in what a mirror holds.
    pub fn of_the_mirror(self) -> Fault {
        Fault::Mirror(Box::new(self))
    }
}

impl Piece {
    /// The most bytes that are read of it; of a tile exactly those that it has.
    pub fn most(self) -> usize {
        match self {
            Piece::Checkpoint => note::MAX_BYTES,
            Piece::Key => 1024,
            Piece::Tile(tile) => length(tile),
        }
    }
}

/// The bytes of a tile of ours, whose entries are all of one length.
pub fn length(tile: Tile) -> usize {
    let each = if tile.kind() == Kind::Entries { 2 + entry::LENGTH } else { 32 };
    usize::from(tile.width()) * each
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Piece::Checkpoint => f.write_str("checkpoint"),
            Piece::Key => f.write_str("key"),
            Piece::Tile(tile) => tile.fmt(f),
        }
    }
}

/// Why a trail is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The trail is not what it should be.
    #[error("{place}: {what}")]
    Wrong { place: Piece, what: Wrong },
    /// Whether it is cannot be told.
    #[error("{place} cannot be read: {why}")]
    Unreadable { place: Piece, why: Unreadable },
    /// It is not the source that is wrong.
    #[error("the mirror itself is damaged: {0}; what is deleted there is fetched again")]
    Mirror(Box<Fault>),
    /// The copy could not be made.
    #[error("{place} cannot be written: {why}")]
    Unwritten { place: Piece, why: io::Error },
}

#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    #[error(transparent)]
    Key(#[from] NoteError),
    #[error("it is not the key that was given")]
    OtherKey,
    #[error("it is not the key of the log that this mirror holds")]
    NotOurKey,
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error("its root is not the one that the tiles lead to")]
    Root,
    #[error("it does not lead to the checkpoint's root")]
    Edge,
    #[error("it is missing")]
    Missing,
    #[error("{found} bytes long instead of {length}")]
    Length { found: usize, length: usize },
    #[error("larger than the {0} bytes that it may have")]
    TooLarge(usize),
    #[error("it is not what {0} was made of")]
    NotIn(Tile),
    #[error("hash {hash} is not that of {of}")]
    Hash { hash: usize, of: Tile },
    #[error("hash {hash} is not that of entry {index}")]
    Leaf { hash: usize, index: u64 },
    #[error("entry {0} is not the one that the tree holds")]
    Entry(u64),
    #[error(transparent)]
    Bundle(#[from] BadBundle),
    #[error(transparent)]
    Audit(#[from] audit::Fault),
    #[error("a log of {held} entries became another one of {now} entries: a fork")]
    Fork { held: u64, now: u64 },
    #[error("the log had {held} entries and now has {now}: it was rolled back")]
    RolledBack { held: u64, now: u64 },
}

#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("it is not there")]
    Absent,
    #[error("{0}")]
    File(io::Error),
    /// What a connection broke by, without its URL.
    #[error("{0}")]
    Connection(String),
    #[error("the answer is a redirect, and none is followed")]
    Redirect,
    #[error("the answer is HTTP status {0}")]
    Status(u16),
    #[error(transparent)]
    Store(StoreError),
    #[error("the source does not know the token of --token-file")]
    UnknownToken,
    #[error("the source gives the entries to auditors alone: see --token-file")]
    Refused,
}

impl Wrong {
    pub fn at(self, place: Piece) -> Fault {
        Fault::Wrong { place, what: self }
    }

    pub fn in_tile(self, tile: Tile) -> Fault {
        self.at(Piece::Tile(tile))
    }
}

impl Unreadable {
    pub fn at(self, place: Piece) -> Fault {
        Fault::Unreadable { place, why: self }
    }
}
