//! The signed tokens in links and mail addresses: what proves, without the database, who may do what.
//!
//! 36 or 40 bytes: version and purpose (4 bits each) ‖ kid ‖ list u32be ‖ id\[14\] ‖ expiry u32be (all but
//! `unsubscribe` and `bounce`) ‖ tag\[16\], the tag being HMAC-SHA256 over `"optin-token-v1\0"` and what is before it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use data_encoding::{Encoding, Specification};
use hmac::Mac;
use subtle::ConstantTimeEq;

use crate::keys::{HmacSha256, KeyRing};

const VERSION: u8 = 1;
const DOMAIN: &[u8] = b"optin-token-v1\0";
const TAG: usize = 16;
const SHORT: usize = 36;
const LONG: usize = 40;

/// 14 random bytes that name one subscription on its list, for as long as it lives. Never printed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub [u8; 14]);

impl fmt::Debug for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubscriptionId(…)")
    }
}

/// What a token lets its holder do. Each has its own keys, so that none can stand in for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// Confirm a pending signup; expires with it.
    Confirm = 1,
    /// Erase a pending signup, nothing else.
    NotMe = 2,
    /// Withdraw; never expires and can do nothing else.
    Unsubscribe = 3,
    /// See and change what is stored about the holder of an address, on all lists.
    Data = 4,
    /// Agree to a list's new notice.
    Agree = 5,
    /// Put a new address in an old one's place. Its expiry tells which new address is meant.
    Correct = 6,
    /// Tell that a letter did not arrive; stands in envelope senders.
    Bounce = 7,
}

impl Purpose {
    const ALL: [Purpose; 7] = [
        Purpose::Confirm,
        Purpose::NotMe,
        Purpose::Unsubscribe,
        Purpose::Data,
        Purpose::Agree,
        Purpose::Correct,
        Purpose::Bounce,
    ];

    fn key_use(self) -> &'static str {
        match self {
            Purpose::Confirm => "token/confirm",
            Purpose::NotMe => "token/not_me",
            Purpose::Unsubscribe => "token/unsubscribe",
            Purpose::Data => "token/data",
            Purpose::Agree => "token/agree",
            Purpose::Correct => "token/correct",
            Purpose::Bounce => "token/bounce",
        }
    }

    fn never_expires(self) -> bool {
        matches!(self, Purpose::Unsubscribe | Purpose::Bounce)
    }

    fn bytes(self) -> usize {
        if self.never_expires() { SHORT } else { LONG }
    }
}

/// What a verified token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    pub list: u32,
    pub id: SubscriptionId,
    /// Unix seconds; zero for a token that never expires.
    pub expiry: u32,
}

/// A token of wrong length, alphabet, purpose or tag. It says no more, so that nobody learns which.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the link is incomplete or not one of ours")]
pub struct Invalid;

/// The derived keys of every root for every purpose, in place before the first request.
pub struct TokenKeys {
    current: u8,
    /// By purpose, then kid.
    macs: [Vec<(u8, HmacSha256)>; Purpose::ALL.len()],
}

impl TokenKeys {
    pub fn derive(ring: &KeyRing) -> TokenKeys {
        TokenKeys {
            current: ring.current(),
            macs: Purpose::ALL.map(|purpose| ring.macs_for(purpose.key_use()).collect()),
        }
    }

    /// Makes a token with the current root, in strict base64url: 48 characters for one that never expires, 54 for
    /// others.
    pub fn mint(&self, purpose: Purpose, token: &Token) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes(purpose, token))
    }

    /// A token that never expires in lower-case base32 without padding, 58 characters, for the local part of a mail
    /// address, which may lose its case on the way.
    pub fn mint_for_mail(&self, purpose: Purpose, token: &Token) -> String {
        base32().encode(&self.bytes(purpose, token))
    }

    /// Reads a token made for `purpose`. Length and alphabet first, then the tag in constant time; no database.
    pub fn read(&self, purpose: Purpose, text: &str) -> Result<Token, Invalid> {
        if text.len() != purpose.bytes().div_ceil(3) * 4 - (3 - purpose.bytes() % 3) % 3 {
            return Err(Invalid);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Invalid)?;
        self.check(purpose, &bytes)
    }

    /// Reads what [`TokenKeys::mint_for_mail`] makes, in upper or lower case.
    pub fn read_mail(&self, purpose: Purpose, text: &str) -> Result<Token, Invalid> {
        if text.len() != (SHORT * 8).div_ceil(5) {
            return Err(Invalid);
        }
        let bytes = base32().decode(text.to_ascii_lowercase().as_bytes()).map_err(|_| Invalid)?;
        self.check(purpose, &bytes)
    }

    fn bytes(&self, purpose: Purpose, token: &Token) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LONG);
        bytes.extend([VERSION << 4 | purpose as u8, self.current]);
        bytes.extend(token.list.to_be_bytes());
        bytes.extend(token.id.0);
        if purpose.bytes() == LONG {
            bytes.extend(token.expiry.to_be_bytes());
        }
        let mac = self.mac(purpose, self.current).expect("the current root is on the ring");
        let tag = tag(mac, &bytes);
        bytes.extend(tag);
        bytes
    }

    fn check(&self, purpose: Purpose, bytes: &[u8]) -> Result<Token, Invalid> {
        if bytes.len() != purpose.bytes() || bytes[0] != (VERSION << 4 | purpose as u8) {
            return Err(Invalid);
        }
        let (body, given) = bytes.split_at(bytes.len() - TAG);
        let mac = self.mac(purpose, body[1]).ok_or(Invalid)?;
        if !bool::from(tag(mac, body).ct_eq(given)) {
            return Err(Invalid);
        }
        let word = |at: usize| body[at..at + 4].try_into().map(u32::from_be_bytes).map_err(|_| Invalid);
        let id = body[6..20].try_into().map_err(|_| Invalid)?;
        let expiry = if purpose.bytes() == LONG { word(20)? } else { 0 };
        Ok(Token { list: word(2)?, id: SubscriptionId(id), expiry })
    }

    fn mac(&self, purpose: Purpose, kid: u8) -> Option<&HmacSha256> {
        self.macs[purpose as usize - 1].iter().find(|(of, _)| *of == kid).map(|(_, mac)| mac)
    }
}

fn tag(mac: &HmacSha256, body: &[u8]) -> [u8; TAG] {
    let mut mac = mac.clone();
    mac.update(DOMAIN);
    mac.update(body);
    let digest: [u8; 32] = mac.finalize().into_bytes().into();
    let mut tag = [0; TAG];
    tag.copy_from_slice(&digest[..TAG]);
    tag
}

fn base32() -> Encoding {
    let mut specification = Specification::new();
    specification.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    specification.encoding().expect("the base32 alphabet of RFC 4648, lower-case")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    fn keys(seed: u8) -> TokenKeys {
        TokenKeys::derive(&KeyRing::generate(Zeroizing::new([seed; 96])))
    }

    fn some(list: u32, id: [u8; 14], expiry: u32) -> Token {
        Token { list, id: SubscriptionId(id), expiry }
    }

    #[test]
    fn lengths_are_as_designed() {
        let token = some(1, [3; 14], 1_800_000_000);
        assert_eq!(keys(1).mint(Purpose::Unsubscribe, &token).len(), 48);
        assert_eq!(keys(1).mint(Purpose::Confirm, &token).len(), 54);
        assert_eq!(keys(1).mint_for_mail(Purpose::Unsubscribe, &token).len(), 58);
        assert_eq!(keys(1).mint(Purpose::Bounce, &token).len(), 48);
    }

    /// The tag computed again by hand from the ring's file, as another implementation would.
    #[test]
    fn the_layout_is_the_documented_one() {
        let token = some(0x0102_0304, [0xAB; 14], 0x0506_0708);
        let bytes = URL_SAFE_NO_PAD.decode(keys(1).mint(Purpose::Confirm, &token)).unwrap();
        assert_eq!(bytes[..6], [0x11, 0, 1, 2, 3, 4]);
        assert_eq!(bytes[6..20], [0xAB; 14]);
        assert_eq!(bytes[20..24], [5, 6, 7, 8]);
        let mut key = [0; 32];
        hkdf::Hkdf::<sha2::Sha256>::new(None, &[1; 32]).expand(b"optin/v1/token/confirm", &mut key).unwrap();
        let mut mac = <HmacSha256 as hmac::KeyInit>::new_from_slice(&key).unwrap();
        mac.update(b"optin-token-v1\0");
        mac.update(&bytes[..24]);
        assert_eq!(bytes[24..], mac.finalize().into_bytes()[..16]);
    }

    proptest! {
        #[test]
        fn what_is_minted_reads_back_for_its_purpose_alone(list: u32, id: [u8; 14], expiry: u32) {
            for purpose in Purpose::ALL {
                let expiry = if purpose.never_expires() { 0 } else { expiry };
                let token = some(list, id, expiry);
                let text = keys(1).mint(purpose, &token);
                prop_assert_eq!(keys(1).read(purpose, &text), Ok(token));
                prop_assert_eq!(keys(2).read(purpose, &text), Err(Invalid));
                for other in Purpose::ALL.into_iter().filter(|other| *other != purpose) {
                    prop_assert_eq!(keys(1).read(other, &text), Err(Invalid));
                }
            }
        }

        #[test]
        fn what_is_minted_for_mail_reads_back_in_any_case_for_its_purpose_alone(
            list: u32,
            id: [u8; 14],
            at in 0usize..58,
            to in "[a-z2-7A-Z018=+ -]",
        ) {
            let token = some(list, id, 0);
            let both = [Purpose::Unsubscribe, Purpose::Bounce];
            for (purpose, other) in [(both[0], both[1]), (both[1], both[0])] {
                let text = keys(1).mint_for_mail(purpose, &token);
                prop_assert_eq!(keys(1).read_mail(purpose, &text), Ok(token));
                prop_assert_eq!(keys(1).read_mail(purpose, &text.to_ascii_uppercase()), Ok(token));
                prop_assert_eq!(keys(1).read_mail(other, &text), Err(Invalid));
                prop_assert_eq!(keys(2).read_mail(purpose, &text), Err(Invalid));
                prop_assert_eq!(keys(1).read_mail(purpose, &text[1..]), Err(Invalid));
                let mut bent = text.clone();
                bent.replace_range(at..=at, &to);
                prop_assume!(!bent.eq_ignore_ascii_case(&text));
                prop_assert_eq!(keys(1).read_mail(purpose, &bent), Err(Invalid));
            }
        }

        #[test]
        fn any_change_of_one_character_is_refused(id: [u8; 14], at in 0usize..54, to in "[A-Za-z0-9_=+/ -]") {
            let text = keys(1).mint(Purpose::Confirm, &some(1, id, 9));
            let mut bent = text.clone();
            bent.replace_range(at..=at, &to);
            prop_assume!(bent != text);
            prop_assert_eq!(keys(1).read(Purpose::Confirm, &bent), Err(Invalid));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}") {
            let _ = keys(1).read(Purpose::Unsubscribe, &text);
            let _ = keys(1).read_mail(Purpose::Unsubscribe, &text);
        }
    }
}
