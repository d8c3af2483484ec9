//! The way back from a withdrawal: everything that puts the row back, sealed, in the hands of whoever left and nowhere
//! else. The service keeps nothing of it, so a page that is closed is forgotten as thoroughly as any.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use super::subscription::{State, UNDO_FOR, UNDOABLE};
use crate::keys::KeyRing;
use crate::token::SubscriptionId;

/// The first byte under the seal.
const VERSION: u8 = 1;
/// Stands where there is no time; no timestamp is so early.
const NEVER: i64 = i64::MIN;

/// A row as it was when it was erased. Its person is still under the row's own seal.
#[derive(Clone, PartialEq, Eq)]
pub struct Gone {
    pub state: State,
    pub notice: u32,
    pub lang: String,
    pub seal: Vec<u8>,
    pub reference: [u8; 16],
    pub signed_up_at: Timestamp,
    pub expires_at: Timestamp,
    pub confirmed_at: Option<Timestamp>,
    pub told_at: Option<Timestamp>,
}

/// What a page carries so that a withdrawal can be undone.
#[derive(Clone, PartialEq, Eq)]
pub struct Undo {
    list: u32,
    id: SubscriptionId,
    expires_at: Timestamp,
    gone: Gone,
}

/// A way back that does not open: cut off, altered, or sealed with a root that is no longer on the ring.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the way back is damaged or not one of ours")]
pub struct Damaged;

impl Undo {
    /// The way back from a withdrawal at `at`; `None` where there was nothing to lose yet: who has not confirmed signs
    /// up again as easily.
    pub fn of(list: u32, id: SubscriptionId, gone: Gone, at: Timestamp) -> Option<Undo> {
        let expires_at = at + UNDO_FOR;
        UNDOABLE.has(gone.state).then_some(Undo { list, id, expires_at, gone })
    }

    pub fn list(&self) -> u32 {
        self.list
    }
    pub fn id(&self) -> SubscriptionId {
        self.id
    }
    /// From this moment on it is too late.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
    /// The person's language.
    pub fn lang(&self) -> &str {
        &self.gone.lang
    }
    pub fn into_gone(self) -> Gone {
        self.gone
    }

    /// As text for a form: strict base64url of list u32be ‖ id\[14\] ‖ what [`KeyRing::seal_undo`] makes of the rest.
    /// About 1.2 kB; at most 16 kB, as fields are bounded (`consent::list::check`).
    pub fn seal(&self, ring: &KeyRing, nonce: [u8; 24]) -> String {
        let mut bytes = self.list.to_be_bytes().to_vec();
        bytes.extend(self.id.0);
        bytes.extend(ring.seal_undo(nonce, self.list, &self.id.0, &self.encode()));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Opens what [`Undo::seal`] made, with whichever root made it. Says nothing of the time.
    pub fn open(ring: &KeyRing, text: &str) -> Result<Undo, Damaged> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Damaged)?;
        let mut rest = &bytes[..];
        let list = u32::from_be_bytes(part(&mut rest)?);
        let id = SubscriptionId(part(&mut rest)?);
        let plain = ring.open_undo(list, &id.0, rest).map_err(|_| Damaged)?;
        Undo::decode(list, id, &plain)
    }

    /// version ‖ state ‖ five times, i64be in microseconds ‖ notice u32be ‖ reference\[16\] ‖ language, behind its length
    /// as u8 ‖ the row's seal.
    fn encode(&self) -> Vec<u8> {
        let gone = &self.gone;
        let mut bytes = vec![VERSION, gone.state as u8];
        let times = [Some(self.expires_at), Some(gone.signed_up_at), Some(gone.expires_at)];
        for time in times.into_iter().chain([gone.confirmed_at, gone.told_at]) {
            bytes.extend(time.map_or(NEVER, Timestamp::as_microsecond).to_be_bytes());
        }
        bytes.extend(gone.notice.to_be_bytes());
        bytes.extend(gone.reference);
        bytes.push(u8::try_from(gone.lang.len()).expect("a language's code is short"));
        bytes.extend(gone.lang.as_bytes());
        bytes.extend(&gone.seal);
        bytes
    }

    fn decode(list: u32, id: SubscriptionId, bytes: &[u8]) -> Result<Undo, Damaged> {
        let mut rest = bytes;
        let [VERSION, state] = part(&mut rest)? else { return Err(Damaged) };
        let state = State::from_number(state.into()).ok_or(Damaged)?;
        let mut times = [None; 5];
        for time in &mut times {
            *time = match i64::from_be_bytes(part(&mut rest)?) {
                NEVER => None,
                micros => Some(Timestamp::from_microsecond(micros).map_err(|_| Damaged)?),
            };
        }
        let [Some(expires_at), Some(signed_up_at), Some(row_expires_at), confirmed_at, told_at] = times
        else {
            return Err(Damaged);
        };
        let notice = u32::from_be_bytes(part(&mut rest)?);
        let reference = part(&mut rest)?;
        let [length] = part(&mut rest)?;
        let (lang, seal) = rest.split_at_checked(length.into()).ok_or(Damaged)?;
        let lang = String::from_utf8(lang.to_vec()).map_err(|_| Damaged)?;
        let gone = Gone {
            state,
            notice,
            lang,
            seal: seal.to_vec(),
            reference,
            signed_up_at,
            expires_at: row_expires_at,
            confirmed_at,
            told_at,
        };
        Ok(Undo { list, id, expires_at, gone })
    }
}

/// Cuts `N` bytes off the front.
fn part<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Damaged> {
    let (part, after) = rest.split_first_chunk().ok_or(Damaged)?;
    *rest = after;
    Ok(*part)
}

impl fmt::Debug for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gone(…)")
    }
}

impl fmt::Debug for Undo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Undo(…)")
    }
}

#[cfg(test)]
mod tests;
