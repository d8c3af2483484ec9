//! Proving to one person that the log holds their entry.

use std::collections::BTreeMap;
use std::time::Duration;

use super::rows::{fixed, number};
use super::seal::Seal;
use super::{Store, StoreError, sql};
use crate::consent::receipt::Logged;
use crate::keys::KeyRing;
use crate::trail::entry::{self, Event};
use crate::trail::note::{Note, NoteError, Signer};
use crate::trail::path::inclusion;
use crate::trail::proof::Proof;
use crate::trail::tile::{needed, proof_hashes};

/// An entry, and that the log holds it.
pub struct Proven {
    /// The log's name and its key's.
    pub origin: String,
    pub entry: [u8; entry::LENGTH],
    /// Leads to the newest checkpoint there was.
    pub proof: Proof,
}

/// How often an entry that waits for another sealer is looked for.
const TRIES: u32 = 10;
/// How long the other is given; longer each time, a half second in all.
const PAUSE: Duration = Duration::from_millis(10);

impl Proven {
    /// As a receipt holds it, with the key that the ring signs this log with. `trail` is the URL of the trail's pages.
    pub fn logged(
        self,
        event: Event,
        number: u32,
        keys: &KeyRing,
        trail: String,
    ) -> Result<Logged, NoteError> {
        let key = Signer::new(&self.origin, keys.trail_seed())?.verifier();
        Ok(Logged { event, number, entry: self.entry, proof: self.proof, key, trail })
    }
}

impl Store {
    /// The entry of a person that has this commitment, with its proof. What waits is sealed for it, where no other is
    /// at it; `None` where there is no such entry, or it is not sealed soon.
    pub async fn prove(
        &self,
        list: u32,
        commitment: &[u8; 32],
        seal: &Seal<'_>,
    ) -> Result<Option<Proven>, StoreError> {
        let mut sealed = None;
        for turn in 1..=TRIES {
            if let Some(proven) = self.find_proof(list, commitment).await? {
                return Ok(Some(proven));
            }
            match self.seal(list, seal).await? {
                None => tokio::time::sleep(PAUSE * turn).await,
                // Nothing has come since the last look: it is not there.
                size if size == sealed => return Ok(None),
                size => sealed = size,
            }
        }
        Ok(None)
    }

    /// Looks in this order, each time in what was committed by then: a checkpoint that is read after its entry has it in
    /// its tree, and the tiles go on to hold what they held.
    async fn find_proof(&self, list: u32, commitment: &[u8; 32]) -> Result<Option<Proven>, StoreError> {
        let found = self.find_entries(list, std::slice::from_ref(commitment)).await?;
        let Some((index, entry)) = found.into_iter().next() else { return Ok(None) };
        let trail = self.trail(list).await?.ok_or(StoreError::Malformed("a trail's size"))?;
        let size = trail.newest.size;
        let nodes = inclusion(index, size).map_err(|_| StoreError::Malformed("a trail's size"))?;
        let mut tiles = BTreeMap::new();
        for tile in needed(&nodes, size) {
            let bytes = self.tile(list, &tile).await?.ok_or(StoreError::Malformed("a trail's tile"))?;
            tiles.insert(tile, bytes);
        }
        let hashes = proof_hashes(&nodes, size, &tiles).ok_or(StoreError::Malformed("a trail's tile"))?;
        let checkpoint = Note::parse(trail.newest.checkpoint.as_bytes())
            .map_err(|_| StoreError::Malformed("a trail's checkpoint"))?;
        let proof = Proof::new(b"", index, hashes, checkpoint);
        Ok(Some(Proven { origin: trail.origin, entry, proof }))
    }

    /// Entries of persons by their commitments, as far as the log has them, each with its index.
    pub(super) async fn find_entries(
        &self,
        list: u32,
        commitments: &[[u8; 32]],
    ) -> Result<Vec<(u64, [u8; entry::LENGTH])>, StoreError> {
        let client = self.writer().await?;
        let statement = client.prepare_cached(sql::FIND_ENTRIES).await?;
        let asked: Vec<&[u8]> = commitments.iter().map(<[u8; 32]>::as_slice).collect();
        let rows = client.query(&statement, &[&number(list), &asked]).await?;
        let index = |row| u64::try_from(row).map_err(|_| StoreError::Malformed("an entry's index"));
        rows.iter().map(|row| Ok((index(row.try_get::<_, i64>("index")?)?, fixed(row, "entry")?))).collect()
    }
}
