//! Migrations: numbered files under `sql/migrations`, forward only, each in one transaction of its own.

use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use tokio_postgres::GenericClient;
use tokio_postgres::error::SqlState;

use super::{StoreError, pool};

#[derive(RustEmbed)]
#[folder = "sql/migrations"]
#[include = "*.sql"]
struct Files;

/// Any number will do, as long as every version of the service uses the same.
const LOCK: i64 = 0x6f70_7469_6e00;

/// Why a database was not brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error(
        "migration {0} was applied with another text than this version has: run the version that applied it"
    )]
    Changed(String),
    #[error("the database has migration {0}, which this version does not know: run a newer version")]
    Unknown(String),
    #[error("migration {0} failed")]
    Failed(String, #[source] StoreError),
    #[error("the database is not up to date ({0} still to apply): run `optin migrate`")]
    Behind(usize),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A migration's file name and text.
pub type Migration = (String, String);

/// The migrations that this version carries, in order.
pub fn migrations() -> Vec<Migration> {
    let mut names: Vec<_> = Files::iter().map(|name| name.into_owned()).collect();
    names.sort();
    let text = |name: &str| Files::get(name).map(|file| String::from_utf8_lossy(&file.data).into_owned());
    names.iter().map(|name| (name.clone(), text(name).unwrap_or_default())).collect()
}

/// Applies what is missing and returns how many that were. Several at once are fine: a lock within each
/// transaction lets one through at a time, and goes with the transaction whatever happens.
pub async fn migrate(url: &str, migrations: &[Migration]) -> Result<usize, MigrateError> {
    let mut client = pool::connect(url).await?;
    let mut applied = 0;
    for (name, text) in migrations {
        let failed = |error: tokio_postgres::Error| {
            let why = match StoreError::from(error) {
                // Here it is the migration that names a table which is not there.
                StoreError::OutOfDate => StoreError::Refused(SqlState::UNDEFINED_TABLE.code().to_owned()),
                why => why,
            };
            MigrateError::Failed(name.clone(), why)
        };
        let transaction = client.transaction().await.map_err(StoreError::from)?;
        transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(failed)?;
        transaction.batch_execute(TABLE).await.map_err(failed)?;
        // Before anything is changed: a database that another version shaped is left as it is.
        if !known(&transaction, migrations).await?.contains(name) {
            transaction.batch_execute(text).await.map_err(failed)?;
            transaction
                .execute("INSERT INTO migrations (name, sha256) VALUES ($1, $2)", &[name, &digest(text)])
                .await
                .map_err(failed)?;
            applied += 1;
        }
        transaction.commit().await.map_err(failed)?;
    }
    Ok(applied)
}

/// Refuses a database that is behind this version or ahead of it, and changes nothing.
pub async fn check(url: &str, migrations: &[Migration]) -> Result<(), MigrateError> {
    let client = pool::connect(url).await?;
    let exists = client.query_one("SELECT to_regclass('migrations') IS NOT NULL", &[]).await;
    if !exists.map_err(StoreError::from)?.get::<_, bool>(0) {
        return Err(MigrateError::Behind(migrations.len()));
    }
    match migrations.len() - known(&client, migrations).await?.len() {
        0 => Ok(()),
        behind => Err(MigrateError::Behind(behind)),
    }
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS migrations (
    name       text        PRIMARY KEY,
    sha256     bytea       NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)";

/// The migrations that were applied, if this version knows each of them.
async fn known(client: &impl GenericClient, migrations: &[Migration]) -> Result<Vec<String>, MigrateError> {
    let rows = client.query("SELECT name, sha256 FROM migrations ORDER BY name", &[]).await;
    let mut known = Vec::new();
    for row in rows.map_err(StoreError::from)? {
        let name: String = row.get("name");
        match migrations.iter().find(|(of, _)| *of == name) {
            None => return Err(MigrateError::Unknown(name)),
            Some((_, text)) if digest(text) != row.get::<_, Vec<u8>>("sha256") => {
                return Err(MigrateError::Changed(name));
            }
            Some(_) => known.push(name),
        }
    }
    Ok(known)
}

fn digest(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}
