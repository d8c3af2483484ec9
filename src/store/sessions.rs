//! Who is logged in at the desk. It lies in the database, so that any replica knows it.

use jiff::Timestamp;

use super::operators::{digest, grants};
use super::{Store, StoreError, sql};
use crate::consent::operator::Operator;

/// Somebody who logged in.
pub struct Session {
    pub operator: Operator,
    /// The SHA-256 of the text to which they said that they keep personal data confidential.
    pub confidential: Option<Vec<u8>>,
}

impl Store {
    /// Whose session it is, while it lasts.
    pub async fn session(&self, secret: &str, at: Timestamp) -> Result<Option<Session>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::FIND_SESSION).await?;
        let Some(row) = client.query_opt(&statement, &[&digest(secret).as_slice(), &at]).await? else {
            return Ok(None);
        };
        let operator = Operator::new(row.try_get("name")?, grants(&row)?, None);
        Ok(Some(Session { operator, confidential: row.try_get("confidential_sha256")? }))
    }
}
