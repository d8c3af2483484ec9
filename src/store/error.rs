//! What can go wrong with the database, with nothing in it that a statement carried.

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

/// Why the database did not do as asked. A driver's own text may quote values, so only its SQLSTATE is kept.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database cannot be reached: is it running, and is OPTIN_DATABASE_URL right?")]
    Unavailable,
    /// Where there are none, a connection cannot even be prepared.
    #[error("there are no CA certificates here, which TLS to the database needs: install `ca-certificates`")]
    NoCertificates,
    #[error("too many requests wait for the database")]
    Busy,
    /// A deadlock or a serialization failure: nothing was written, and trying again may do.
    #[error("two writes met in the database")]
    Collision,
    #[error("there is no such database: create it, as the README's \"Running it\" shows")]
    NoDatabase,
    #[error("the database does not let this user in: are the user and password in OPTIN_DATABASE_URL right?")]
    NotLetIn,
    #[error("the database's user may not do what is needed: make it the owner of the database")]
    NoRights,
    #[error("the database is not up to date: run `optin migrate`")]
    OutOfDate,
    #[error(
        "the database was restored from a backup: until `optin trail replay` has brought it up to the mirror of the \
         list's trail, nothing is signed, sent or exported for the list"
    )]
    Held,
    #[error("the database refused a statement (SQLSTATE {0})")]
    Refused(String),
    #[error("a row in the database is not as this version writes it: {0}")]
    Malformed(&'static str),
    #[error("OPTIN_DATABASE_URL is not a PostgreSQL URL: {0}")]
    BadUrl(&'static str),
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> StoreError {
        match error.code() {
            None => StoreError::Unavailable,
            Some(code) if is_outage(code) => StoreError::Unavailable,
            Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED) => {
                StoreError::Collision
            }
            Some(&SqlState::UNDEFINED_DATABASE) => StoreError::NoDatabase,
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => StoreError::NoRights,
            Some(&SqlState::UNDEFINED_TABLE) => StoreError::OutOfDate,
            // Class 28: invalid authorization specification.
            Some(code) if code.code().starts_with("28") => StoreError::NotLetIn,
            Some(code) => StoreError::Refused(code.code().to_owned()),
        }
    }
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> StoreError {
        match error {
            PoolError::Backend(error) => error.into(),
            PoolError::Timeout(_) => StoreError::Busy,
            _ => StoreError::Unavailable,
        }
    }
}

/// Classes 08 (connection), 53 (resources) and 57 (operator intervention), and a standby that takes no writes.
fn is_outage(code: &SqlState) -> bool {
    ["08", "53", "57"].iter().any(|class| code.code().starts_with(class))
        || *code == SqlState::READ_ONLY_SQL_TRANSACTION
}
