//! The trails of a house: sealed when a test says so, and whole when it ends.

use optin::chores::sealer;
use optin::store::trail::Trail;
use optin::trail::audit::Audit;
use optin::trail::checkpoint::Checkpoint;
use optin::trail::note::{Note, Signer};
use optin::trail::tree::{Frontier, leaf_hash};

use super::House;

impl House {
    /// Seals what waits, as the sealer would within a second.
    pub async fn seal(&self) {
        sealer::seal(&self.app).await.unwrap();
    }

    /// A list's trail, once it is sealed.
    pub async fn trail(&self, slug: &str) -> Trail {
        let (list, _) = self.app.store.find_list(slug).await.unwrap().unwrap();
        self.app.store.trail(list.number).await.unwrap().unwrap()
    }

    /// Seals every trail, and reads each through: what its checkpoint signs for are its entries, and they add up.
    pub async fn verify_trails(&self) {
        self.seal().await;
        for list in self.app.store.lists().await.unwrap() {
            let trail = self.app.store.trail(list.number).await.unwrap().expect("a sealed trail");
            let key = Signer::new(&trail.origin, self.app.keys.trail_seed()).unwrap().verifier();
            let note = Note::parse(trail.newest.checkpoint.as_bytes()).unwrap();
            let checkpoint = Checkpoint::open(&note, &trail.origin, &key).unwrap();
            let (mut audit, mut frontier) = (Audit::new(1), Frontier::default());
            for entry in self.app.store.entries(list.number, 0, checkpoint.size()).await.unwrap() {
                audit.take(&entry).unwrap();
                frontier.push(leaf_hash(&entry), |_, _| {});
            }
            assert_eq!((frontier.size(), frontier.root()), (checkpoint.size(), *checkpoint.root()));
        }
    }
}
