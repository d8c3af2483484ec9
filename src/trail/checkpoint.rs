//! Checkpoints: the note by which a log says how large it is and what its root is (C2SP tlog-checkpoint).

use std::fmt;

use crate::trail::note::{Note, NoteError, Signer, Verifier};
use crate::trail::text::{decimal, hash, to_base64};
use crate::trail::tree::{Hash, MAX_SIZE};

/// What a log signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    /// Lines that others may have added; we add none.
    extensions: Vec<String>,
}

/// Why a checkpoint is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("the text is not that of a checkpoint")]
    Text,
    #[error("the checkpoint is another log's")]
    Origin,
}

impl Checkpoint {
    /// A checkpoint without extension lines. The origin is one line that is not empty; the size at most [`MAX_SIZE`].
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Checkpoint, CheckpointError> {
        let is_line = !origin.is_empty() && !origin.contains(|letter| letter < ' ');
        if !is_line || size > MAX_SIZE {
            return Err(CheckpointError::Text);
        }
        Ok(Checkpoint { origin: origin.to_owned(), size, root, extensions: Vec::new() })
    }

    /// Reads a checkpoint's text, which nobody need have signed. `Display` writes it again byte for byte.
    pub fn parse(text: &str) -> Result<Checkpoint, CheckpointError> {
        let text = text.strip_suffix('\n').ok_or(CheckpointError::Text)?;
        let mut lines = text.split('\n');
        let mut line = || lines.next().ok_or(CheckpointError::Text);
        let (origin, size, root) = (line()?, line()?, line()?);
        let (size, root) = decimal(size).zip(hash(root)).ok_or(CheckpointError::Text)?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(|line| line.is_empty() || line.contains(|letter| letter < ' ')) {
            return Err(CheckpointError::Text);
        }
        Ok(Checkpoint { extensions, ..Checkpoint::new(origin, size, root)? })
    }

    /// What a note says, once the key's signature on it has been checked and it is this log's.
    pub fn open(note: &Note, origin: &str, by: &Verifier) -> Result<Checkpoint, CheckpointError> {
        note.verify(by)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        if checkpoint.origin == origin { Ok(checkpoint) } else { Err(CheckpointError::Origin) }
    }

    /// The signed note. A log never signs two that contradict each other; that is for the caller to see to.
    pub fn sign(&self, signer: &Signer) -> Result<Note, NoteError> {
        signer.sign(self.to_string())
    }

    /// Which log this is: a URL without its scheme, as a rule.
    pub fn origin(&self) -> &str {
        &self.origin
    }
    /// The number of entries.
    pub fn size(&self) -> u64 {
        self.size
    }
    pub fn root(&self) -> &Hash {
        &self.root
    }
}

/// The text that is signed, with its last newline.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, to_base64(&self.root))?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests;
