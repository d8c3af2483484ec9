//! A trail in a folder.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::fault::{Fault, Piece, Unreadable, Wrong};
use crate::trail::tile::Tile;

/// A trail in a folder, as a mirror keeps it and any web server can serve it.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(path: impl Into<PathBuf>) -> Folder {
        Folder(path.into())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn place(&self, piece: Piece) -> PathBuf {
        self.0.join(piece.to_string())
    }

    pub fn holds(&self, piece: Piece) -> bool {
        self.place(piece).is_file()
    }

    /// Removes the partial tiles that a full one has taken the place of.
    pub fn drop_partials(&self, full: Tile) -> Result<(), Fault> {
        let place = Piece::Tile(full);
        let mut partials = self.place(place).into_os_string();
        partials.push(".p");
        match fs::remove_dir_all(partials) {
            Err(why) if why.kind() != ErrorKind::NotFound => Err(Fault::Unwritten { place, why }),
            _ => Ok(()),
        }
    }

    pub fn has_entries(&self) -> bool {
        self.0.join("tile/entries").is_dir()
    }

    pub fn find(&self, piece: Piece) -> Result<Option<Vec<u8>>, Fault> {
        let bytes = match read_at_most(&self.place(piece), piece.most()) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            read => read.map_err(|error| Unreadable::File(error).at(piece))?,
        };
        if bytes.len() > piece.most() {
            return Err(Wrong::TooLarge(piece.most()).at(piece));
        }
        Ok(Some(bytes))
    }
}

/// A folder of pieces that wait to be adopted into another, all of them or none.
pub struct Half(Folder);

impl Half {
    /// Within the folder that is to adopt them, so that to adopt is to rename.
    pub fn of(folder: &Folder) -> Half {
        Half(Folder::new(folder.path().join(".half")))
    }

    pub fn folder(&self) -> &Folder {
        &self.0
    }

    pub fn is_there(&self) -> bool {
        self.0.path().exists()
    }

    /// Takes a piece in, and has it on the disk. A file that a crash has cut short is noticed when it is read.
    pub fn put(&self, piece: Piece, bytes: &[u8]) -> Result<(), Fault> {
        let path = self.0.place(piece);
        let put = || {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            let mut file = File::create(&path)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        put().map_err(|why| Fault::Unwritten { place: piece, why })
    }

    /// Forgets all that waits.
    pub fn clear(&self) {
        _ = fs::remove_dir_all(self.0.path());
    }

    /// Moves those of the pieces that wait here into the folder, and has all of that on the disk.
    pub fn adopt(&self, into: &Folder, pieces: impl Iterator<Item = Piece>) -> Result<(), Fault> {
        let mut touched = BTreeSet::new();
        let mut last = Piece::Checkpoint;
        for piece in pieces.filter(|piece| self.0.holds(*piece)) {
            last = piece;
            let path = into.place(piece);
            let moved = path.parent().map_or(Ok(()), fs::create_dir_all);
            let moved = moved.and_then(|()| fs::rename(self.0.place(piece), &path));
            moved.map_err(|why| Fault::Unwritten { place: piece, why })?;
            let above = path.ancestors().skip(1).take_while(|above| above.starts_with(into.path()));
            touched.extend(above.map(Path::to_owned));
        }
        let synced = touched.iter().try_for_each(|folder| File::open(folder)?.sync_all());
        synced.map_err(|why| Fault::Unwritten { place: last, why })
    }
}

/// A file's first bytes: one more than `most` tells that there are too many.
pub fn read_at_most(file: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
