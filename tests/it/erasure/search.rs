//! A search through every table of a database for anything that tells of one person.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use data_encoding::{HEXLOWER, HEXUPPER};
use futures_util::TryStreamExt as _;
use optin::consent::person::Person;
use optin::token::SubscriptionId;
use optin::trail::entry::{Event, ZEROS, commitment, opening};
use sha2::{Digest, Sha256};

use crate::house::House;

/// The parts that must not be in a table at any time; from the secret on, those that only the person's receipt shows.
const IN_THE_CLEAR: [&str; 11] = [
    "address",
    "lower-case address",
    "hash",
    "lower-case hash",
    "name",
    "secret",
    "record",
    "record digest",
    "confirmed opening",
    "withdrawn opening",
    "receipt's name",
];

/// All that a table holds: each row as text, then the table as PostgreSQL's own bytes.
pub type Haystacks = BTreeMap<String, Vec<u8>>;

/// Every ordinary table, and what ANALYZE has kept of their columns.
pub async fn everything(db: &tokio_postgres::Client) -> Haystacks {
    let sql = "SELECT table_schema || '.' || table_name FROM information_schema.tables
               WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')";
    let tables = db.query(sql, &[]).await.unwrap();
    assert!(tables.len() >= 8, "the tables are there");
    let mut haystacks = Haystacks::new();
    for table in tables.iter().map(|row| row.get::<_, &str>(0)) {
        let mut bytes = rows_of(db, table).await;
        let copy = db.copy_out(&format!("COPY {table} TO STDOUT (FORMAT binary)")).await.unwrap();
        let parts: Vec<bytes::Bytes> = Box::pin(copy).try_collect().await.unwrap();
        bytes.extend(parts.concat());
        haystacks.insert(table.to_owned(), bytes);
    }
    // Below this number are PostgreSQL's own tables.
    let learnt = rows_of(db, "(SELECT * FROM pg_statistic WHERE starelid >= 16384)").await;
    haystacks.insert("pg_catalog.pg_statistic".into(), learnt);
    haystacks
}

async fn rows_of(db: &tokio_postgres::Client, table: &str) -> Vec<u8> {
    let rows = db.query(&format!("SELECT convert_to(t::text, 'UTF8') FROM {table} t"), &[]).await.unwrap();
    rows.iter().flat_map(|row| [row.get::<_, &[u8]>(0), b"\n"].concat()).collect()
}

/// What there is to know of a person, by name.
pub struct Needles(Vec<(&'static str, Vec<u8>)>);

impl Needles {
    /// Reads the row of an address, and opens its seal.
    pub async fn of(house: &House, address: &str, name: &str) -> Needles {
        let lower = address.to_lowercase();
        let key = house.app.keys.address_key(1, &lower);
        let sql = "SELECT * FROM subscriptions WHERE list = 1 AND address_key = $1";
        let row = house.db().await.query_one(sql, &[&&key[..]]).await.unwrap();
        let bytes = |column: &str| row.get::<_, Option<Vec<u8>>>(column);
        let id = SubscriptionId(bytes("id").unwrap().try_into().unwrap());
        let person = Person::open(&house.app.keys, 1, id, &bytes("seal").unwrap()).unwrap();
        assert_eq!(person.address, address);
        let opened = |event, digest: [u8; 32]| {
            commitment(&opening(&person.secret, event, 0), 1, event, &digest).to_vec()
        };
        let withdrawn = opened(Event::Withdrawn, ZEROS);
        assert_eq!(bytes("withdrawn_commitment"), Some(withdrawn.clone()));
        Needles(vec![
            ("address", address.into()),
            ("lower-case address", lower.clone().into()),
            ("hash", Sha256::digest(address).to_vec()),
            ("lower-case hash", Sha256::digest(&lower).to_vec()),
            ("name", name.into()),
            ("secret", person.secret.to_vec()),
            ("record", person.record.clone().into()),
            ("record digest", Sha256::digest(&person.record).to_vec()),
            ("confirmed opening", opening(&person.secret, Event::Confirmed, 0).to_vec()),
            ("withdrawn opening", opening(&person.secret, Event::Withdrawn, 0).to_vec()),
            ("receipt's name", "optin-receipt".into()),
            ("id", id.0.to_vec()),
            ("reference", bytes("reference").unwrap()),
            ("address key", key.to_vec()),
            ("seal", bytes("seal").unwrap()),
            ("confirmed commitment", opened(Event::Confirmed, Sha256::digest(&person.record).into())),
            ("withdrawn commitment", withdrawn),
        ])
    }

    pub fn id(&self) -> SubscriptionId {
        let (_, id) = self.0.iter().find(|(name, _)| *name == "id").unwrap();
        SubscriptionId(id[..].try_into().unwrap())
    }

    /// One part alone.
    pub fn part(&self, name: &str) -> Needles {
        let part: Vec<_> = self.0.iter().filter(|(of, _)| *of == name).cloned().collect();
        assert_eq!(part.len(), 1, "{name}");
        Needles(part)
    }

    /// The parts that only the key ring's holder, or nobody, may know.
    pub fn in_the_clear(&self) -> Needles {
        Needles(self.0.iter().filter(|(name, _)| IN_THE_CLEAR.contains(name)).cloned().collect())
    }

    /// Each part with the table that it lies in, raw, in hex or in base64: `id in public.outbox`.
    pub fn found_in(&self, haystacks: &Haystacks) -> Vec<String> {
        let mut found = Vec::new();
        for (name, needle) in &self.0 {
            let disguises = disguises(needle);
            for (table, hay) in haystacks {
                if disguises.iter().any(|disguise| contains(hay, disguise)) {
                    found.push(format!("{name} in {table}"));
                }
            }
        }
        found
    }
}

fn disguises(needle: &[u8]) -> [Vec<u8>; 5] {
    assert!(needle.len() >= 8, "too short to be told from chance");
    [
        needle.to_vec(),
        HEXLOWER.encode(needle).into(),
        HEXUPPER.encode(needle).into(),
        // Less its last character: that holds bits of whatever follows.
        STANDARD_NO_PAD.encode(&needle[..needle.len() / 3 * 3]).into(),
        URL_SAFE_NO_PAD.encode(&needle[..needle.len() / 3 * 3]).into(),
    ]
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}
