//! Operators: who works for the controller, in what roles, and the tokens by which programs act in their name.

use jiff::{Timestamp, ToSpan as _};
use sha2::{Digest as _, Sha256};
use tokio_postgres::Row;

use super::rows::{number, unsigned};
use super::{Store, StoreError, sql};
use crate::consent::operator::{self, Operator, Right, Role, Scope};

/// How exactly a token's last use is known.
const USE_IS_NOTED_EVERY_MINUTES: i64 = 10;

/// What a new token is for.
pub struct NewToken<'a> {
    /// What its operator calls it.
    pub name: &'a str,
    pub rights: &'a [Right],
    /// `None`: every list of the operator's.
    pub lists: Option<&'a [u32]>,
    pub expires_at: Timestamp,
}

impl Store {
    /// Adds an operator with a role on every list. Whether there was none of that name.
    pub async fn add_operator(&self, name: &str, role: Role, at: Timestamp) -> Result<bool, StoreError> {
        let added = self.add_operator_without_role(name, None, at).await?;
        if added {
            self.grant(name, operator::EVERY_LIST, role).await?;
        }
        Ok(added)
    }

    /// Adds an operator who may do nothing yet. Whether there was none of that name.
    pub async fn add_operator_without_role(
        &self,
        name: &str,
        mail: Option<&str>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::INSERT_OPERATOR).await?;
        Ok(client.execute(&statement, &[&name, &mail, &at]).await? == 1)
    }

    /// Gives an operator a role on a list, instead of one that was given there before.
    pub async fn grant(&self, name: &str, list: u32, role: Role) -> Result<(), StoreError> {
        let client = self.client().await?;
        client.execute(sql::INSERT_GRANT, &[&name, &number(list), &(role as i16)]).await?;
        Ok(())
    }

    /// Whether there is an operator of that name.
    pub async fn is_operator(&self, name: &str) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::FIND_OPERATOR).await?;
        Ok(client.query_opt(&statement, &[&name]).await?.is_some())
    }

    /// Notes a token for an operator. Whether there is an operator of that name.
    pub async fn add_token(
        &self,
        token: &str,
        operator: &str,
        new: &NewToken<'_>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let rights = number(operator::bits(new.rights));
        let lists = new.lists.map(|lists| lists.iter().map(|list| number(*list)).collect::<Vec<_>>());
        let client = self.client().await?;
        let digest = digest(token);
        let given: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
            [&digest.as_slice(), &operator, &at, &new.name, &rights, &lists, &new.expires_at];
        Ok(client.execute(sql::INSERT_ACCESS_TOKEN, &given).await? == 1)
    }

    /// Whose token it is, and what it lets them do; nobody's once it has expired. Notes that it was used.
    pub async fn bearer_of(&self, token: &str, at: Timestamp) -> Result<Option<Operator>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::FIND_ACCESS_TOKEN).await?;
        let digest = digest(token);
        let Some(row) = client.query_opt(&statement, &[&digest.as_slice(), &at]).await? else {
            return Ok(None);
        };
        let lists: Option<Vec<i32>> = row.try_get("lists")?;
        let lists =
            lists.map(|lists| lists.into_iter().filter_map(|list| u32::try_from(list).ok()).collect());
        let scope = Scope::new(row.try_get("token")?, unsigned(&row, "rights")?, lists);
        let used_at: Option<Timestamp> = row.try_get("used_at")?;
        if used_at.is_none_or(|used| used < at - USE_IS_NOTED_EVERY_MINUTES.minutes()) {
            client.execute(sql::UPDATE_ACCESS_TOKEN, &[&digest.as_slice(), &at]).await?;
        }
        Ok(Some(Operator::new(row.try_get("name")?, grants(&row)?, Some(scope))))
    }

    /// Ends every token of an operator, and tells how many that were.
    pub async fn revoke_tokens(&self, operator: &str) -> Result<u64, StoreError> {
        let client = self.client().await?;
        Ok(client.execute(sql::DELETE_ACCESS_TOKENS, &[&operator]).await?)
    }
}

/// The roles that a row tells of.
pub(super) fn grants(row: &Row) -> Result<Vec<(u32, Role)>, StoreError> {
    let lists: Vec<i32> = row.try_get("granted_lists")?;
    let roles: Vec<i16> = row.try_get("granted_roles")?;
    let grant = |(list, role)| {
        let list = u32::try_from(list).map_err(|_| StoreError::Malformed("granted_lists"))?;
        Ok((list, Role::from_number(role).ok_or(StoreError::Malformed("granted_roles"))?))
    };
    lists.into_iter().zip(roles).map(grant).collect()
}

/// What a secret is known by: it is random and long, so that nobody finds it from that.
pub(super) fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}
