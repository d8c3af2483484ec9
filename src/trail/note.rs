//! Signed notes: a text, and lines by which keys vouch for it (C2SP signed-note). Of the kinds of signature only
//! Ed25519 is known here; lines of others are kept and not judged.

use std::fmt;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::trail::text::{base64, to_base64};

/// The largest note that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;
/// The most signature lines that are read; the specification asks for 16 at least.
pub const MAX_SIGNATURES: usize = 100;

/// The number of plain Ed25519 among the kinds of signature.
const ED25519: u8 = 1;
/// What a signature line begins with: an em dash and a space.
const DASH: &str = "— ";

/// Why a note, or a key for notes, is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("a note is larger than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("a note holds bytes that are not text")]
    NotText,
    #[error("a note does not end in signature lines")]
    NoSignatures,
    #[error("a note has more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    #[error("signature line {0} of a note is not well formed")]
    Line(usize),
    #[error("a note is not signed by the known key")]
    NotSigned,
    #[error("a note's signature by the known key does not verify")]
    Forged,
    #[error("a key's name is empty or has a space, a plus or a control character in it")]
    Name,
    #[error("not an Ed25519 key for notes")]
    Key,
}

/// Whether a key may have this name: no Unicode spaces, no plus, nothing that a note cannot hold.
pub fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|letter: char| letter.is_whitespace() || letter == '+' || letter < ' ')
}

/// `SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)[..4]`.
fn key_id(name: &str, public: &[u8; 32]) -> [u8; 4] {
    let hash = Sha256::new().chain_update(name).chain_update([b'\n', ED25519]).chain_update(public);
    let [a, b, c, d, ..]: [u8; 32] = hash.finalize().into();
    [a, b, c, d]
}

/// A key that checks notes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key: VerifyingKey,
}

impl Verifier {
    /// From a name and the 32 bytes of a public key (RFC 8032).
    pub fn new(name: &str, public: &[u8; 32]) -> Result<Verifier, NoteError> {
        if !is_key_name(name) {
            return Err(NoteError::Name);
        }
        let key = VerifyingKey::from_bytes(public).map_err(|_| NoteError::Key)?;
        // Under a key of small order a signature means nothing.
        if key.is_weak() { Err(NoteError::Key) } else { Ok(Verifier { name: name.to_owned(), key }) }
    }

    /// Reads `name+hex(id)+base64(0x01 ‖ public key)`.
    pub fn parse(text: &str) -> Result<Verifier, NoteError> {
        let (name, rest) = text.split_once('+').ok_or(NoteError::Key)?;
        let (id, key) = rest.split_once('+').ok_or(NoteError::Key)?;
        let key: [u8; 33] = base64(key).and_then(|key| key.try_into().ok()).ok_or(NoteError::Key)?;
        let (&[kind], public) = key.split_first_chunk().ok_or(NoteError::Key)?;
        let verifier = Verifier::new(name, public.try_into().map_err(|_| NoteError::Key)?)?;
        let is_right = kind == ED25519 && id == data_encoding::HEXLOWER.encode(&verifier.id());
        if is_right { Ok(verifier) } else { Err(NoteError::Key) }
    }

    pub fn name(&self) -> &str {
        &self.name
    }
    /// The four bytes that, with the name, tell its signatures from others.
    pub fn id(&self) -> [u8; 4] {
        key_id(&self.name, self.key.as_bytes())
    }
}

/// The form that other tools take: `name+hex(id)+base64(0x01 ‖ public key)`.
impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ED25519], self.key.as_bytes().as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, data_encoding::HEXLOWER.encode(&self.id()), to_base64(&key))
    }
}

/// A key that signs notes. It has no `Debug`.
pub struct Signer {
    name: String,
    key: SigningKey,
}

impl Signer {
    /// From a name and the 32 secret bytes of an Ed25519 key (RFC 8032).
    pub fn new(name: &str, secret: &[u8; 32]) -> Result<Signer, NoteError> {
        let key = SigningKey::from_bytes(secret);
        if is_key_name(name) { Ok(Signer { name: name.to_owned(), key }) } else { Err(NoteError::Name) }
    }

    /// The key that checks what this one signs.
    pub fn verifier(&self) -> Verifier {
        Verifier { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// The note of this text, which must end with a newline, under this signature alone.
    pub fn sign(&self, text: String) -> Result<Note, NoteError> {
        if !is_text(&text) || !text.ends_with('\n') {
            return Err(NoteError::NotText);
        }
        let signature = self.key.sign(text.as_bytes()).to_bytes().to_vec();
        let line = Line { name: self.name.clone(), id: self.verifier().id(), signature };
        Ok(Note { text, lines: vec![line] })
    }
}

/// A text and who says that they signed it: nothing to act on before [`Note::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// With its last newline.
    text: String,
    lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    name: String,
    id: [u8; 4],
    signature: Vec<u8>,
}

impl Note {
    /// Reads a note. What it takes, `Display` writes again byte for byte.
    pub fn parse(bytes: &[u8]) -> Result<Note, NoteError> {
        if bytes.len() > MAX_BYTES {
            return Err(NoteError::TooLarge);
        }
        let note = str::from_utf8(bytes).ok().filter(|note| is_text(note)).ok_or(NoteError::NotText)?;
        let blank = note.rfind("\n\n").ok_or(NoteError::NoSignatures)?;
        let (text, lines) = (&note[..=blank], &note[blank + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NoSignatures)?;
        if lines.split('\n').nth(MAX_SIGNATURES).is_some() {
            return Err(NoteError::TooManySignatures);
        }
        let read = |(n, line)| Line::parse(line).ok_or(NoteError::Line(n));
        let lines = (1..).zip(lines.split('\n')).map(read).collect::<Result<_, _>>()?;
        Ok(Note { text: text.to_owned(), lines })
    }

    /// Checks that the key has signed: every line of its name and id must verify and there must be one. Lines of other
    /// keys are ignored.
    pub fn verify(&self, by: &Verifier) -> Result<(), NoteError> {
        let id = by.id();
        let mut own = self.lines.iter().filter(|line| line.name == by.name && line.id == id).peekable();
        own.peek().ok_or(NoteError::NotSigned)?;
        for line in own {
            let signature = Signature::from_slice(&line.signature).map_err(|_| NoteError::Forged)?;
            by.key.verify_strict(self.text.as_bytes(), &signature).map_err(|_| NoteError::Forged)?;
        }
        Ok(())
    }

    /// The text, with its last newline.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Line {
    /// `— name base64(id ‖ signature)`, where the signature is not empty.
    fn parse(line: &str) -> Option<Line> {
        let (name, signature) = line.strip_prefix(DASH)?.split_once(' ')?;
        let signature = base64(signature)?;
        let (&id, signature) = signature.split_first_chunk()?;
        let is_whole = is_key_name(name) && !signature.is_empty();
        is_whole.then(|| Line { name: name.to_owned(), id, signature: signature.to_vec() })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for line in &self.lines {
            let signature = [line.id.as_slice(), &line.signature].concat();
            writeln!(f, "{DASH}{} {}", line.name, to_base64(&signature))?;
        }
        Ok(())
    }
}

fn is_text(text: &str) -> bool {
    !text.contains(|letter| letter < ' ' && letter != '\n')
}

#[cfg(test)]
mod tests;
