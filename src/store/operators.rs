//! Operators: the persons in whose name exports are made, and the tokens by which programs act in their name.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{Store, StoreError, sql};

impl Store {
    /// Adds an operator. Whether there was none of that name.
    pub async fn add_operator(&self, name: &str, at: Timestamp) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::INSERT_OPERATOR).await?;
        Ok(client.execute(&statement, &[&name, &at]).await? == 1)
    }

    /// Whether there is an operator of that name.
    pub async fn is_operator(&self, name: &str) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::FIND_OPERATOR).await?;
        Ok(client.query_opt(&statement, &[&name]).await?.is_some())
    }

    /// Notes a token for an operator. Whether there is an operator of that name.
    pub async fn add_token(&self, token: &str, operator: &str, at: Timestamp) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::INSERT_ACCESS_TOKEN).await?;
        Ok(client.execute(&statement, &[&digest(token).as_slice(), &operator, &at]).await? == 1)
    }

    /// Whose token it is, if anybody's.
    pub async fn owner_of_token(&self, token: &str) -> Result<Option<String>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::FIND_ACCESS_TOKEN).await?;
        let row = client.query_opt(&statement, &[&digest(token).as_slice()]).await?;
        Ok(row.map(|row| row.try_get("operator")).transpose()?)
    }

    /// Ends every token of an operator, and tells how many that were.
    pub async fn revoke_tokens(&self, operator: &str) -> Result<u64, StoreError> {
        let client = self.client().await?;
        Ok(client.execute(sql::DELETE_ACCESS_TOKENS, &[&operator]).await?)
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}
