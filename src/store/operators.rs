//! Operators: the persons in whose name exports are made.

use jiff::Timestamp;

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
}
