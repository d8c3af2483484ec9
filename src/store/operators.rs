//! Operators: who works for the controller, in what roles, and the tokens by which programs act in their name.

use jiff::{Timestamp, ToSpan as _};
use sha2::{Digest as _, Sha256};
use tokio_postgres::Row;
use zeroize::Zeroizing;

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

/// Somebody who works for the controller, as others see them.
#[derive(Clone, Debug)]
pub struct Known {
    pub name: String,
    /// Where invitations go.
    pub mail: Option<String>,
    pub grants: Vec<(u32, Role)>,
    /// When they said that they keep personal data confidential.
    pub confidential_at: Option<Timestamp>,
    /// Argon2id, as [`crate::password`] makes it; none before an invitation was accepted.
    pub password: Option<Zeroizing<String>>,
}

impl Known {
    /// Whether they may themselves, on a list.
    pub fn may(&self, right: Right, list: u32) -> bool {
        Operator::new(self.name.clone(), self.grants.clone(), None).may(right, list)
    }
}

/// A token, without what a program says.
#[derive(Clone, Debug)]
pub struct KnownToken {
    pub number: i64,
    pub name: String,
    pub rights: Vec<Right>,
    /// `None`: every list of the operator's.
    pub lists: Option<Vec<u32>>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    /// To within some minutes.
    pub used_at: Option<Timestamp>,
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

    /// Takes back what an operator was on a list. Whether they were anything there.
    pub async fn revoke(&self, name: &str, list: u32) -> Result<bool, StoreError> {
        let client = self.client().await?;
        Ok(client.execute(sql::DELETE_GRANT, &[&name, &number(list)]).await? == 1)
    }

    /// The operator of that name.
    pub async fn operator(&self, name: &str) -> Result<Option<Known>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::FIND_OPERATOR).await?;
        client.query_opt(&statement, &[&name]).await?.as_ref().map(known).transpose()
    }

    /// All operators, by name.
    pub async fn operators(&self) -> Result<Vec<Known>, StoreError> {
        self.client().await?.query(sql::SELECT_OPERATORS, &[]).await?.iter().map(known).collect()
    }

    /// Removes an operator, with all that lets them in. Whether there was one of that name.
    pub async fn remove_operator(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.client().await?.execute(sql::DELETE_OPERATOR, &[&name]).await? == 1)
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

    /// An operator's tokens, the oldest first.
    pub async fn tokens(&self, operator: &str) -> Result<Vec<KnownToken>, StoreError> {
        let rows = self.client().await?.query(sql::SELECT_ACCESS_TOKENS, &[&operator]).await?;
        rows.iter().map(known_token).collect()
    }

    /// Ends one token of an operator. Whether there was one of that number.
    pub async fn revoke_token(&self, operator: &str, number: i64) -> Result<bool, StoreError> {
        let client = self.client().await?;
        Ok(client.execute(sql::DELETE_ACCESS_TOKEN, &[&operator, &number]).await? == 1)
    }

    /// Ends every token of an operator, and tells how many that were.
    pub async fn revoke_tokens(&self, operator: &str) -> Result<u64, StoreError> {
        let client = self.client().await?;
        Ok(client.execute(sql::DELETE_ACCESS_TOKENS, &[&operator]).await?)
    }
}

fn known(row: &Row) -> Result<Known, StoreError> {
    Ok(Known {
        name: row.try_get("name")?,
        mail: row.try_get("mail")?,
        grants: grants(row)?,
        confidential_at: row.try_get("confidential_at")?,
        password: row.try_get::<_, Option<String>>("password")?.map(Zeroizing::new),
    })
}

fn known_token(row: &Row) -> Result<KnownToken, StoreError> {
    Ok(KnownToken {
        number: row.try_get("token")?,
        name: row.try_get("name")?,
        rights: operator::rights(unsigned(row, "rights")?),
        lists: lists(row)?,
        created_at: row.try_get("created_at")?,
        expires_at: row.try_get("expires_at")?,
        used_at: row.try_get("used_at")?,
    })
}

/// The lists that a token is for.
fn lists(row: &Row) -> Result<Option<Vec<u32>>, StoreError> {
    let lists: Option<Vec<i32>> = row.try_get("lists")?;
    let number = |list| u32::try_from(list).map_err(|_| StoreError::Malformed("lists"));
    lists.map(|lists| lists.into_iter().map(number).collect()).transpose()
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
