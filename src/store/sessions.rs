//! Who is logged in at the desk, who is invited, and who tries. It lies in the database, so that any replica knows it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::operators::{digest, grants};
use super::{Store, StoreError, sql};
use crate::consent::operator::Operator;

/// How long somebody stays logged in.
pub const SESSION_FOR: SignedDuration = SignedDuration::from_hours(12);
/// How long an invitation can be accepted.
pub const INVITED_FOR: SignedDuration = SignedDuration::from_hours(72);
/// The time in which failures are counted together.
const FAILURES_COUNT_FOR: SignedDuration = SignedDuration::from_mins(15);

/// Somebody who logged in.
pub struct Session {
    pub operator: Operator,
    /// The SHA-256 of the text to which they said that they keep personal data confidential.
    pub confidential: Option<Vec<u8>>,
}

/// Of what tries to log in are counted, and how many may fail within a quarter of an hour.
pub struct Throttle {
    pub key: [u8; 32],
    pub most: i32,
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

    /// Notes that somebody logged in, by what their browser will say.
    pub async fn begin_session(&self, secret: &str, operator: &str, at: Timestamp) -> Result<(), StoreError> {
        let client = self.client().await?;
        let ends_at = at + SESSION_FOR;
        client.execute(sql::INSERT_SESSION, &[&digest(secret).as_slice(), &operator, &ends_at]).await?;
        Ok(())
    }

    pub async fn end_session(&self, secret: &str) -> Result<(), StoreError> {
        self.client().await?.execute(sql::DELETE_SESSION, &[&digest(secret).as_slice()]).await?;
        Ok(())
    }

    /// Invites an operator to set a password, instead of earlier invitations. Whether there is such an operator.
    pub async fn invite(&self, secret: &str, operator: &str, at: Timestamp) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let ends_at = at + INVITED_FOR;
        let digest = digest(secret);
        Ok(client.execute(sql::INSERT_INVITATION, &[&digest.as_slice(), &operator, &ends_at]).await? == 1)
    }

    /// Who is invited, while it lasts.
    pub async fn invited(&self, secret: &str, at: Timestamp) -> Result<Option<String>, StoreError> {
        let client = self.client().await?;
        let row = client.query_opt(sql::FIND_INVITATION, &[&digest(secret).as_slice(), &at]).await?;
        Ok(row.map(|row| row.try_get("operator")).transpose()?)
    }

    /// Sets the password of whoever is invited, once. Whose it was; the operator's sessions have ended.
    pub async fn accept_invitation(
        &self,
        secret: &str,
        password: &str,
        at: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let client = self.client().await?;
        let digest = digest(secret);
        let row =
            client.query_opt(sql::UPDATE_INVITED_PASSWORD, &[&digest.as_slice(), &password, &at]).await?;
        Ok(row.map(|row| row.try_get("name")).transpose()?)
    }

    /// Sets another password where it is still the one `before`. Whether it was; the operator's sessions have ended.
    pub async fn change_password(
        &self,
        operator: &str,
        before: &str,
        password: &str,
    ) -> Result<bool, StoreError> {
        let client = self.client().await?;
        Ok(client.query_opt(sql::UPDATE_PASSWORD, &[&operator, &before, &password]).await?.is_some())
    }

    /// Notes to which text an operator said that they keep personal data confidential.
    pub async fn accept_confidentiality(
        &self,
        operator: &str,
        text: &[u8; 32],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let client = self.client().await?;
        client.execute(sql::UPDATE_CONFIDENTIALITY, &[&operator, &at, &text.as_slice()]).await?;
        Ok(())
    }

    /// Counts a try to log in, before its password is looked at. Where there were too many, how long to wait.
    pub async fn count_try(
        &self,
        throttles: &[Throttle],
        at: Timestamp,
    ) -> Result<Option<Duration>, StoreError> {
        let client = self.client().await?;
        let rows = client
            .query(sql::COUNT_LOGIN_FAILURES, &[&keys(throttles), &at, &(at - FAILURES_COUNT_FOR)])
            .await?;
        let mut wait = None;
        for row in rows {
            let (key, failures): (Vec<u8>, i32) = (row.try_get("key")?, row.try_get("failures")?);
            let until = row.try_get::<_, Timestamp>("since")? + FAILURES_COUNT_FOR;
            if throttles.iter().any(|throttle| throttle.key == *key && failures > throttle.most) {
                let left = Duration::try_from(until.duration_since(at)).unwrap_or_default();
                wait = wait.max(Some(left.max(Duration::from_secs(1))));
            }
        }
        Ok(wait)
    }

    /// Takes a try back that was none: its password was right.
    pub async fn uncount_try(&self, throttles: &[Throttle]) -> Result<(), StoreError> {
        self.client().await?.execute(sql::UPDATE_LOGIN_FAILURES, &[&keys(throttles)]).await?;
        Ok(())
    }

    /// Forgets sessions and invitations that have ended, and failures that count no more.
    pub async fn forget_logins(&self, at: Timestamp) -> Result<(), StoreError> {
        let client = self.client().await?;
        client.execute(sql::DELETE_EXPIRED_LOGINS, &[&at, &(at - FAILURES_COUNT_FOR)]).await?;
        Ok(())
    }
}

/// In one order, so that tries at once wait for each other instead of blocking.
fn keys(throttles: &[Throttle]) -> Vec<&[u8]> {
    let mut keys: Vec<_> = throttles.iter().map(|throttle| throttle.key.as_slice()).collect();
    keys.sort();
    keys
}
