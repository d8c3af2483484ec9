//! The key ring: what seals people's data, finds a row by its address, and signs links and the trail.
//! It lives outside the database, so that a stolen database knows nobody.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

/// HMAC-SHA256 with its key already in place; clone it to compute one.
pub type HmacSha256 = Hmac<Sha256>;

/// The first byte of every seal.
const SEAL_VERSION: u8 = 1;
const NONCE: usize = 24;
const SEAL_HEAD: usize = 2 + NONCE;

/// Why a key ring cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyRingError {
    #[error("the key ring is not readable as TOML, or has an unknown or missing entry")]
    Malformed,
    #[error("the key `{0}` of the key ring is not 32 bytes in base64url without padding")]
    BadKey(String),
    #[error("the key ring's current root {0} is not among its roots")]
    NoCurrent(u8),
}

/// Why a seal did not open.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    #[error("the seal is of an unknown version or too short")]
    Malformed,
    #[error("the key ring has no root {0}, which this is sealed with")]
    NoRoot(u8),
    #[error("the seal does not open with this key ring")]
    Wrong,
}

/// The file's form. Keys are base64url; the roots' names are their ids, 0 to 255.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RingFile {
    current: u8,
    index: Zeroizing<String>,
    trail: Zeroizing<String>,
    roots: BTreeMap<String, Zeroizing<String>>,
}

type Key = Zeroizing<[u8; 32]>;

/// Root keys with one current, the index key, and the trail's Ed25519 seed.
pub struct KeyRing {
    current: u8,
    roots: BTreeMap<u8, Root>,
    index: (Key, HmacSha256),
    trail: Key,
}

struct Root {
    key: Key,
    seal: XChaCha20Poly1305,
    undo: XChaCha20Poly1305,
    webhook: XChaCha20Poly1305,
}

/// What a root seals: each under a key of its own, so that one cannot stand in for the other.
#[derive(Clone, Copy)]
enum Use {
    /// A row's person.
    Seal,
    /// The way back that a page carries.
    Undo,
    /// What a webhook's calls are signed with.
    Webhook,
}

impl Use {
    fn name(self) -> &'static str {
        match self {
            Use::Seal => "seal",
            Use::Undo => "undo",
            // Four letters, as the others: they stand in what a seal is bound to.
            Use::Webhook => "hook",
        }
    }
}

impl Root {
    fn new(key: Key) -> Root {
        let cipher = |of: Use| XChaCha20Poly1305::new((&*derive(&key, of.name())).into());
        Root { seal: cipher(Use::Seal), undo: cipher(Use::Undo), webhook: cipher(Use::Webhook), key }
    }

    fn cipher(&self, of: Use) -> &XChaCha20Poly1305 {
        match of {
            Use::Seal => &self.seal,
            Use::Undo => &self.undo,
            Use::Webhook => &self.webhook,
        }
    }
}

impl KeyRing {
    /// A new ring with one root, id 0, from 96 random bytes.
    pub fn generate(random: Zeroizing<[u8; 96]>) -> KeyRing {
        let third = |n: usize| {
            let mut key = Zeroizing::new([0; 32]);
            key.copy_from_slice(&random[n * 32..(n + 1) * 32]);
            key
        };
        KeyRing::assemble(0, BTreeMap::from([(0, third(0))]), third(1), third(2))
    }

    /// The Ed25519 seed that the trails are signed with.
    pub fn trail_seed(&self) -> &[u8; 32] {
        &self.trail
    }

    /// Reads the ring's file.
    pub fn parse(text: &str) -> Result<KeyRing, KeyRingError> {
        let file: RingFile = toml::from_str(text).map_err(|_| KeyRingError::Malformed)?;
        let mut roots = BTreeMap::new();
        for (name, key) in &file.roots {
            let kid: u8 = name.parse().map_err(|_| KeyRingError::BadKey(format!("roots.{name}")))?;
            roots.insert(kid, decode(&format!("roots.{name}"), key)?);
        }
        if !roots.contains_key(&file.current) {
            return Err(KeyRingError::NoCurrent(file.current));
        }
        Ok(KeyRing::assemble(
            file.current,
            roots,
            decode("index", &file.index)?,
            decode("trail", &file.trail)?,
        ))
    }

    /// The ring's file, to be kept like the crown jewels.
    pub fn to_toml(&self) -> Zeroizing<String> {
        let encode = |key: &Key| Zeroizing::new(URL_SAFE_NO_PAD.encode(&key[..]));
        let file = RingFile {
            current: self.current,
            index: encode(&self.index.0),
            trail: encode(&self.trail),
            roots: self.roots.iter().map(|(kid, root)| (kid.to_string(), encode(&root.key))).collect(),
        };
        let body = Zeroizing::new(toml::to_string(&file).unwrap_or_default());
        Zeroizing::new(format!(
            "# Optin's key ring. Whoever holds it can read every address in the database; without it nobody can.\n\
             # Keep a copy in a safe place that is not the database's backup.\n{}",
            body.as_str()
        ))
    }

    fn assemble(current: u8, roots: BTreeMap<u8, Key>, index: Key, trail: Key) -> KeyRing {
        let roots = roots.into_iter().map(|(kid, key)| (kid, Root::new(key))).collect();
        let keyed = keyed(&index[..]);
        KeyRing { current, roots, index: (index, keyed), trail }
    }

    /// The id of the root that new seals and tokens are made with.
    pub fn current(&self) -> u8 {
        self.current
    }

    /// For each root, its own HMAC for one use: `HKDF-SHA256(root, info = "optin/v1/<use>")` (RFC 5869).
    pub fn macs_for<'a>(&'a self, purpose: &'a str) -> impl Iterator<Item = (u8, HmacSha256)> + 'a {
        self.roots.iter().map(move |(kid, root)| (*kid, keyed(&derive(&root.key, purpose)[..])))
    }

    /// What a row is found by: `HMAC-SHA256(index key, list ‖ dedupe form)`.
    pub fn address_key(&self, list: u32, dedupe_form: &str) -> [u8; 32] {
        let mut mac = self.index.1.clone();
        mac.update(&list.to_be_bytes());
        mac.update(dedupe_form.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// An HMAC of what is counted at the login, so that the database knows neither names nor networks.
    pub fn session_key(&self, what: &str) -> [u8; 32] {
        let mut mac = keyed(&derive(&self.roots[&self.current].key, "session")[..]);
        mac.update(what.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// What a text that must not be kept is known by: `HMAC-SHA256(index key, list ‖ 0 ‖ text)`. No address begins with a
    /// NUL, so that this is nobody's [`KeyRing::address_key`].
    pub fn mark(&self, list: u32, text: &str) -> [u8; 32] {
        self.address_key(list, &format!("\0{text}"))
    }

    /// Seals a person's data with the current root, bound to its list and id. The nonce must be random.
    /// Layout: version ‖ kid ‖ 24 bytes of nonce ‖ XChaCha20-Poly1305 ciphertext and tag.
    pub fn seal(&self, nonce: [u8; NONCE], list: u32, id: &[u8; 14], plain: &[u8]) -> Vec<u8> {
        self.seal_for(Use::Seal, nonce, list, id, plain)
    }

    /// Opens what [`KeyRing::seal`] made for the same list and id, with whichever root made it.
    pub fn open(&self, list: u32, id: &[u8; 14], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        self.open_for(Use::Seal, list, id, sealed)
    }

    /// As [`KeyRing::seal`], for what a page carries so that a withdrawal can be undone.
    pub fn seal_undo(&self, nonce: [u8; NONCE], list: u32, id: &[u8; 14], plain: &[u8]) -> Vec<u8> {
        self.seal_for(Use::Undo, nonce, list, id, plain)
    }

    /// Opens what [`KeyRing::seal_undo`] made for the same list and id, with whichever root made it.
    pub fn open_undo(
        &self,
        list: u32,
        id: &[u8; 14],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        self.open_for(Use::Undo, list, id, sealed)
    }

    /// As [`KeyRing::seal`], for what a webhook's calls are signed with.
    pub fn seal_webhook(&self, nonce: [u8; NONCE], list: u32, id: &[u8; 14], plain: &[u8]) -> Vec<u8> {
        self.seal_for(Use::Webhook, nonce, list, id, plain)
    }

    /// Opens what [`KeyRing::seal_webhook`] made for the same list and id, with whichever root made it.
    pub fn open_webhook(
        &self,
        list: u32,
        id: &[u8; 14],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        self.open_for(Use::Webhook, list, id, sealed)
    }

    fn seal_for(&self, of: Use, nonce: [u8; NONCE], list: u32, id: &[u8; 14], plain: &[u8]) -> Vec<u8> {
        let aad = associated(of, self.current, list, id);
        let body = self.roots[&self.current]
            .cipher(of)
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &aad })
            .expect("XChaCha20-Poly1305 only fails past 256 GiB");
        let mut sealed = Vec::with_capacity(SEAL_HEAD + body.len());
        sealed.extend([SEAL_VERSION, self.current]);
        sealed.extend(nonce);
        sealed.extend(body);
        sealed
    }

    fn open_for(
        &self,
        of: Use,
        list: u32,
        id: &[u8; 14],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (head, body) = sealed.split_at_checked(SEAL_HEAD).ok_or(SealError::Malformed)?;
        if head[0] != SEAL_VERSION {
            return Err(SealError::Malformed);
        }
        let root = self.roots.get(&head[1]).ok_or(SealError::NoRoot(head[1]))?;
        let nonce = XNonce::try_from(&head[2..]).map_err(|_| SealError::Malformed)?;
        let aad = associated(of, head[1], list, id);
        let plain = root.cipher(of).decrypt(&nonce, Payload { msg: body, aad: &aad });
        plain.map(Zeroizing::new).map_err(|_| SealError::Wrong)
    }

    /// For each key a value that tells it from another and nothing else: stored beside the data, so that a
    /// service with the wrong ring notices before it writes a row.
    pub fn fingerprints(&self) -> Vec<(String, [u8; 16])> {
        let print = |key: &Key| {
            let digest: [u8; 32] = *derive(key, "fingerprint");
            let mut print = [0; 16];
            print.copy_from_slice(&digest[..16]);
            print
        };
        let roots = self.roots.iter().map(|(kid, root)| (format!("root {kid}"), print(&root.key)));
        roots.chain([("index".into(), print(&self.index.0)), ("trail".into(), print(&self.trail))]).collect()
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("current", &self.current).finish_non_exhaustive()
    }
}

fn associated(of: Use, kid: u8, list: u32, id: &[u8; 14]) -> [u8; 24] {
    let mut aad = [0; 24];
    aad[0] = SEAL_VERSION;
    aad[1] = kid;
    aad[2..6].copy_from_slice(of.name().as_bytes());
    aad[6..10].copy_from_slice(&list.to_be_bytes());
    aad[10..].copy_from_slice(id);
    aad
}

fn derive(key: &Key, purpose: &str) -> Key {
    let mut okm = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, &key[..])
        .expand(format!("optin/v1/{purpose}").as_bytes(), &mut okm[..])
        .expect("32 bytes are within HKDF-SHA256's reach");
    okm
}

fn keyed(key: &[u8]) -> HmacSha256 {
    HmacSha256::new_from_slice(key).expect("HMAC takes a key of any length")
}

fn decode(name: &str, text: &str) -> Result<Key, KeyRingError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map(Zeroizing::new);
    let bytes = bytes.map_err(|_| KeyRingError::BadKey(name.into()))?;
    let mut key = Zeroizing::new([0; 32]);
    if bytes.len() != key.len() {
        return Err(KeyRingError::BadKey(name.into()));
    }
    key.copy_from_slice(&bytes);
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: [u8; 14] = [7; 14];

    fn ring(seed: u8) -> KeyRing {
        let mut random = Zeroizing::new([0; 96]);
        random.iter_mut().enumerate().for_each(|(n, byte)| *byte = seed.wrapping_add(n as u8));
        KeyRing::generate(random)
    }

    #[test]
    fn a_ring_survives_its_file() {
        let (first, again) = (ring(1), KeyRing::parse(&ring(1).to_toml()).unwrap());
        assert_eq!(first.fingerprints(), again.fingerprints());
        let sealed = first.seal([9; 24], 1, &ID, b"someone");
        assert_eq!(&again.open(1, &ID, &sealed).unwrap()[..], b"someone");
        assert_eq!(first.address_key(1, "a@b.c"), again.address_key(1, "a@b.c"));
    }

    #[test]
    fn a_seal_is_bound_to_its_row_and_ring() {
        let sealed = ring(1).seal([9; 24], 1, &ID, b"someone");
        assert_eq!(ring(1).open(2, &ID, &sealed), Err(SealError::Wrong));
        assert_eq!(ring(1).open(1, &[8; 14], &sealed), Err(SealError::Wrong));
        assert_eq!(ring(2).open(1, &ID, &sealed), Err(SealError::Wrong));
        for n in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[n] ^= 1;
            assert!(ring(1).open(1, &ID, &bent).is_err(), "byte {n}");
        }
        assert_eq!(ring(1).open(1, &ID, &sealed[..20]), Err(SealError::Malformed));
    }

    #[test]
    fn a_row_and_a_way_back_cannot_stand_in_for_each_other_and_old_roots_open_both() {
        let old = ring(1);
        let [row, undo] = [old.seal([9; 24], 1, &ID, b"someone"), old.seal_undo([9; 24], 1, &ID, b"someone")];
        assert_eq!(old.open(1, &ID, &undo), Err(SealError::Wrong));
        assert_eq!(old.open_undo(1, &ID, &row), Err(SealError::Wrong));
        assert_eq!(old.open_undo(2, &ID, &undo), Err(SealError::Wrong));
        assert_eq!(old.open_undo(1, &[8; 14], &undo), Err(SealError::Wrong));

        let root = URL_SAFE_NO_PAD.encode([5; 32]);
        let newer = old.to_toml().replace("current = 0", "current = 1") + &format!("1 = \"{root}\"\n");
        let newer = KeyRing::parse(&newer).unwrap();
        assert_eq!(newer.seal_undo([9; 24], 1, &ID, b"someone")[1], 1);
        assert_eq!(&newer.open(1, &ID, &row).unwrap()[..], b"someone");
        assert_eq!(&newer.open_undo(1, &ID, &undo).unwrap()[..], b"someone");
    }

    #[test]
    fn keys_of_different_uses_lists_and_rings_differ() {
        let ring1 = ring(1);
        assert_ne!(ring1.address_key(1, "a@b.c"), ring1.address_key(2, "a@b.c"));
        assert_ne!(ring1.address_key(1, "a@b.c"), ring(2).address_key(1, "a@b.c"));
        let mac = |purpose| ring1.macs_for(purpose).next().unwrap().1.finalize().into_bytes();
        assert_ne!(mac("token/confirm"), mac("token/unsubscribe"));
    }

    #[test]
    fn a_broken_file_names_the_key_and_shows_none() {
        let good = ring(1).to_toml();
        assert_eq!(KeyRing::parse("hello").err(), Some(KeyRingError::Malformed));
        let bad = good.replace("index = \"", "index = \"!");
        assert_eq!(KeyRing::parse(&bad).err(), Some(KeyRingError::BadKey("index".into())));
        let bad = good.replace("current = 0", "current = 3");
        assert_eq!(KeyRing::parse(&bad).err(), Some(KeyRingError::NoCurrent(3)));
        let shown = format!("{:?}", ring(1));
        assert_eq!(shown, "KeyRing { current: 0, .. }");
    }
}
