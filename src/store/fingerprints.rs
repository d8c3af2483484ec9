//! The check that a key ring belongs to this database.

use super::{Store, StoreError, sql};
use crate::keys::KeyRing;

/// Why a service must not start on this database with this ring.
#[derive(Debug, thiserror::Error)]
pub enum RingMismatch {
    #[error(
        "the key ring's `{0}` key is not the one that this database was written with: give the right key ring"
    )]
    Differs(String),
    #[error(
        "this database was written with a `{0}` key that is not on the key ring: give the right key ring"
    )]
    Lacks(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Notes the ring's keys at their first use, and refuses a ring that lacks a noted key or has another in its
    /// place: it could not open what is stored, and would write what the right ring cannot open.
    pub async fn check_ring(&self, ring: &KeyRing) -> Result<(), RingMismatch> {
        let (names, prints) = prints_of(ring);
        if self.compare_ring(ring).await? < names.len() {
            let client = self.client().await?;
            client.execute(sql::INSERT_FINGERPRINTS, &[&names, &prints]).await.map_err(StoreError::from)?;
            // Another service may have come first, with another ring.
            self.compare_ring(ring).await?;
        }
        Ok(())
    }

    /// The same, but notes nothing: for commands that only read. Returns how many keys are noted.
    pub async fn compare_ring(&self, ring: &KeyRing) -> Result<usize, RingMismatch> {
        let (names, prints) = prints_of(ring);
        let client = self.client().await?;
        let known = client.query(sql::SELECT_FINGERPRINTS, &[]).await.map_err(StoreError::from)?;
        for row in &known {
            let (name, print): (String, Vec<u8>) = (row.get("name"), row.get("fingerprint"));
            match names.iter().position(|of| *of == name) {
                None => return Err(RingMismatch::Lacks(name)),
                Some(at) if prints[at] != print => return Err(RingMismatch::Differs(name)),
                Some(_) => {}
            }
        }
        Ok(known.len())
    }
}

fn prints_of(ring: &KeyRing) -> (Vec<String>, Vec<Vec<u8>>) {
    ring.fingerprints().into_iter().map(|(name, print)| (name, print.to_vec())).unzip()
}
