//! A trail in the database of the settings: the newest that is sealed.

use anyhow::Context as _;

use super::fault::{Fault, Piece, Unreadable};
use crate::app::key_ring;
use crate::commands::config;
use crate::keys::KeyRing;
use crate::store::Store;
use crate::store::trail::Trail;
use crate::trail::note::Signer;

pub struct Database {
    store: Store,
    keys: KeyRing,
    list: u32,
    /// As it was when it was opened; nothing before the list's first entry is sealed.
    trail: Option<Trail>,
}

impl Database {
    pub async fn open(slug: &str) -> anyhow::Result<Database> {
        let config = config()?;
        let store = Store::open(config.database_url()?)?;
        let keys = key_ring(&config)?;
        let missing = || format!("there is no list `{slug}`; `optin list show` tells which there are");
        let (list, _) = store.find_list(slug).await?.with_context(missing)?;
        let trail = store.trail(list.number).await?;
        Ok(Database { store, keys, list: list.number, trail })
    }

    /// A piece's bytes; nothing where it is not there.
    pub async fn find(&self, piece: Piece) -> Result<Option<Vec<u8>>, Fault> {
        let trail = self.trail.as_ref();
        Ok(match piece {
            Piece::Checkpoint => trail.map(|trail| trail.newest.checkpoint.clone().into_bytes()),
            // It signs as the key ring of the settings does, which nobody needs to take on trust.
            Piece::Key => trail
                .and_then(|trail| Signer::new(&trail.origin, self.keys.trail_seed()).ok())
                .map(|signer| signer.verifier().to_string().into_bytes()),
            Piece::Tile(tile) => {
                let found = self.store.tile(self.list, &tile).await;
                found.map_err(|error| Unreadable::Store(error).at(piece))?
            }
        })
    }
}
