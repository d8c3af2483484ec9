//! A proof that a log holds an entry, as a text that is checked offline (C2SP tlog-proof).

use std::fmt;

use crate::trail::checkpoint::{Checkpoint, CheckpointError};
use crate::trail::note::{MAX_BYTES, Note, Verifier};
use crate::trail::path::{Unproven, verify_inclusion};
use crate::trail::text::{base64, decimal, hash, to_base64};
use crate::trail::tree::{Hash, MAX_SIZE};

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
/// The most hashes that an inclusion proof can have.
const MAX_HASHES: usize = 63;

/// An entry's index, the hashes that lead from it to a root, and the signed checkpoint of that root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    extra: Vec<u8>,
    index: u64,
    hashes: Vec<Hash>,
    checkpoint: Note,
}

/// Why a proof is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("the text is not that of a proof")]
    Text,
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Unproven(#[from] Unproven),
}

impl Proof {
    /// Of the entry at an index, with the hashes of its inclusion proof in the checkpoint's tree. Extra bytes may be
    /// empty; there is then no line of them.
    pub fn new(extra: &[u8], index: u64, hashes: Vec<Hash>, checkpoint: Note) -> Proof {
        Proof { extra: extra.to_vec(), index, hashes, checkpoint }
    }

    /// Reads a proof, checking nothing but its form. What it takes, `Display` writes again byte for byte.
    pub fn parse(bytes: &[u8]) -> Result<Proof, ProofError> {
        if bytes.len() > 2 * MAX_BYTES {
            return Err(ProofError::Text);
        }
        let text = str::from_utf8(bytes).map_err(|_| ProofError::Text)?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ProofError::Text)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(FIRST_LINE) {
            return Err(ProofError::Text);
        }
        let extra = match lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            None => Vec::new(),
            Some(extra) => {
                lines.next();
                base64(extra).filter(|extra| !extra.is_empty()).ok_or(ProofError::Text)?
            }
        };
        let index = lines.next().and_then(|line| decimal(line.strip_prefix("index ")?));
        let index = index.filter(|index| *index < MAX_SIZE).ok_or(ProofError::Text)?;
        let hashes: Vec<Hash> = lines.map(hash).collect::<Option<_>>().ok_or(ProofError::Text)?;
        if hashes.len() > MAX_HASHES {
            return Err(ProofError::Text);
        }
        let checkpoint = Note::parse(checkpoint.as_bytes()).map_err(CheckpointError::from)?;
        Ok(Proof { extra, index, hashes, checkpoint })
    }

    /// Checks that the log of this origin, whose checkpoints this key signs, holds the leaf at [`Proof::index`].
    pub fn verify(&self, leaf: &Hash, origin: &str, by: &Verifier) -> Result<Checkpoint, ProofError> {
        let checkpoint = Checkpoint::open(&self.checkpoint, origin, by)?;
        verify_inclusion(leaf, self.index, checkpoint.size(), &self.hashes, checkpoint.root())?;
        Ok(checkpoint)
    }

    /// Bytes for the application that nobody vouches for.
    pub fn extra(&self) -> &[u8] {
        &self.extra
    }
    /// The entry's index in its log, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        if !self.extra.is_empty() {
            writeln!(f, "extra {}", to_base64(&self.extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", to_base64(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests;
