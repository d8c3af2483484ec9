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

    /// Seals every trail, and reads each through: what its checkpoint signs for are its entries, and they add up, as do
    /// the tallies.
    pub async fn verify_trails(&self) {
        self.seal().await;
        tallies_are_the_trails(&self.db().await).await;
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

/// Whether the sealed trails were counted rightly, each act on its day, and so are the people on each list.
pub async fn tallies_are_the_trails(db: &tokio_postgres::Client) {
    let differences = "
        WITH kept AS (
            SELECT list, day, kind::int, count::numeric FROM tallies WHERE kind < 32
        ), told AS (
            SELECT list, day, kind, sum(people) FROM (
                SELECT list, ('epoch'::timestamp + hour * interval '1 hour')::date AS day, get_byte(entry, 1) AS kind,
                       CASE get_byte(entry, 1) WHEN 20 THEN get_byte(entry, 69) + 256 * get_byte(entry, 68) ELSE 1 END
                FROM trail_entries, LATERAL (SELECT 16777216 * get_byte(entry, 2)::bigint + 65536 * get_byte(entry, 3)
                                                    + 256 * get_byte(entry, 4) + get_byte(entry, 5)) AS h (hour)
                WHERE index IS NOT NULL AND (get_byte(entry, 1) < 16 OR get_byte(entry, 1) = 20)
            ) AS e (list, day, kind, people) GROUP BY list, day, kind
        )
        SELECT 'kept', k::text FROM (TABLE kept EXCEPT TABLE told) k
        UNION ALL SELECT 'told', t::text FROM (TABLE told EXCEPT TABLE kept) t
        UNION ALL SELECT 'people', t.list::text FROM trails t
        WHERE t.subscribers <> (SELECT count(*) FROM subscriptions s WHERE s.list = t.list AND s.state IN (2, 3))
           OR t.tallied <> t.size";
    let rows = db.query(differences, &[]).await.unwrap();
    let told: Vec<String> =
        rows.iter().map(|row| format!("{}: {}", row.get::<_, String>(0), row.get::<_, String>(1))).collect();
    assert_eq!(told, Vec::<String>::new(), "tallies are not what the trail tells");
}
