//! Webhooks: who is told that a list's feed has news, what they have been told, and what waits to be.

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Row;
use zeroize::Zeroizing;

use super::feed::FeedCursor;
use super::rows::{fixed, number, unsigned};
use super::{Store, StoreError, sql};
use crate::consent::webhook::{Secret, Target};
use crate::keys::KeyRing;

/// For how long the secret before a new one signs beside it.
const RETIRES_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// A webhook's name: random, the same for as long as it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookId(pub [u8; 14]);

/// As an operator sees one.
#[derive(Clone, Debug)]
pub struct Webhook {
    pub id: WebhookId,
    pub url: String,
    pub made_at: Timestamp,
    /// How often the present call was tried.
    pub attempts: u32,
    /// What came of its last try: a status, or one of our words.
    pub fault: Option<String>,
    pub disabled_at: Option<Timestamp>,
    /// Until when the secret before signs too.
    pub retired_until: Option<Timestamp>,
}

/// A call that one herald holds until the lease ends.
pub struct Call {
    pub list: u32,
    pub slug: String,
    pub webhook: WebhookId,
    pub url: String,
    /// Under seal: the present one, and the one before for a while.
    pub secrets: Vec<Vec<u8>>,
    /// The same for each try of one call.
    pub name: [u8; 16],
    /// Since when there is news.
    pub since: Timestamp,
    /// How often it was tried, this time included.
    pub attempts: u32,
    until: Timestamp,
}

impl Store {
    /// Makes a webhook that is told of what comes from now on.
    pub async fn add_webhook(
        &self,
        list: u32,
        id: WebhookId,
        target: &Target,
        sealed: &[u8],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let client = self.client().await?;
        client.execute(sql::INSERT_FEED, &[&number(list)]).await?;
        let url = target.url().as_str();
        client.execute(sql::INSERT_WEBHOOK, &[&number(list), &id.0.as_slice(), &url, &sealed, &at]).await?;
        Ok(())
    }

    /// A list's webhooks, oldest first.
    pub async fn webhooks(&self, list: u32) -> Result<Vec<Webhook>, StoreError> {
        let client = self.client().await?;
        client.query(sql::SELECT_WEBHOOKS, &[&number(list)]).await?.iter().map(webhook).collect()
    }

    /// Whether there was one.
    pub async fn remove_webhook(&self, list: u32, id: WebhookId) -> Result<bool, StoreError> {
        let client = self.client().await?;
        Ok(client.execute(sql::DELETE_WEBHOOK, &[&number(list), &id.0.as_slice()]).await? == 1)
    }

    /// Gives a webhook a new secret, beside which the one before signs for a day. One that was given up is called again.
    /// Whether there is such a webhook.
    pub async fn rotate_webhook(
        &self,
        list: u32,
        id: WebhookId,
        sealed: &[u8],
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let until = at + RETIRES_AFTER;
        let given: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
            [&number(list), &id.0.as_slice(), &sealed, &until, &at];
        Ok(client.execute(sql::RENEW_WEBHOOK, &given).await? == 1)
    }

    /// Takes a call that is due, until `until`. Who does not report back by then has lost it. `name` is for a new one.
    pub async fn lease_webhook(
        &self,
        now: Timestamp,
        until: Timestamp,
        name: [u8; 16],
    ) -> Result<Option<Call>, StoreError> {
        let client = self.writer().await?;
        let statement = client.prepare_cached(sql::LEASE_WEBHOOK).await?;
        let row = client.query_opt(&statement, &[&now, &until, &name.as_slice()]).await?;
        row.map(|row| call(&row, until)).transpose()
    }

    /// Where the list's feed ends now: what a call that is made after this has told of.
    pub async fn feed_end(&self, list: u32, at: Timestamp) -> Result<FeedCursor, StoreError> {
        self.number_news(list, at).await?;
        let client = self.writer().await?;
        FeedCursor::at_end(&client, list).await
    }

    /// The call got through, and told of everything up to `end`.
    pub async fn finish_call(
        &self,
        call: &Call,
        end: &FeedCursor,
        next: Timestamp,
    ) -> Result<(), StoreError> {
        let client = self.writer().await?;
        let (epoch, told) = (end.epoch.as_slice(), end.number()?);
        let given: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
            [&number(call.list), &call.webhook.0.as_slice(), &call.until, &epoch, &told, &next];
        client.execute(sql::FINISH_WEBHOOK, &given).await?;
        Ok(())
    }

    /// The call did not get through: it is tried again at `next`, or was given up.
    pub async fn delay_call(
        &self,
        call: &Call,
        next: Timestamp,
        fault: &str,
        given_up_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let client = self.writer().await?;
        let given: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
            [&number(call.list), &call.webhook.0.as_slice(), &call.until, &next, &fault, &given_up_at];
        client.execute(sql::DELAY_WEBHOOK, &given).await?;
        Ok(())
    }

    /// The call was not made, and is to be at `next`.
    pub async fn postpone_call(&self, call: &Call, next: Timestamp) -> Result<(), StoreError> {
        let client = self.writer().await?;
        let given: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
            [&number(call.list), &call.webhook.0.as_slice(), &call.until, &next];
        client.execute(sql::POSTPONE_WEBHOOK, &given).await?;
        Ok(())
    }
}

/// A secret as the database keeps it: bound to its webhook.
pub fn seal_secret(ring: &KeyRing, nonce: [u8; 24], list: u32, id: WebhookId, secret: &Secret) -> Vec<u8> {
    ring.seal_webhook(nonce, list, &id.0, secret.bytes())
}

/// A webhook's secrets, the present one first. One that the ring does not open any more signs nothing.
pub fn open_secrets(ring: &KeyRing, call: &Call) -> Vec<Secret> {
    let open = |sealed: &Vec<u8>| ring.open_webhook(call.list, &call.webhook.0, sealed).ok();
    call.secrets.iter().filter_map(open).map(|bytes: Zeroizing<Vec<u8>>| Secret::from_bytes(bytes)).collect()
}

fn webhook(row: &Row) -> Result<Webhook, StoreError> {
    Ok(Webhook {
        id: WebhookId(fixed(row, "webhook")?),
        url: row.try_get("url")?,
        made_at: row.try_get("made_at")?,
        attempts: unsigned(row, "attempts")?,
        fault: row.try_get("fault")?,
        disabled_at: row.try_get("disabled_at")?,
        retired_until: row.try_get("retired_until")?,
    })
}

fn call(row: &Row, until: Timestamp) -> Result<Call, StoreError> {
    let secrets = [Some(row.try_get("secret")?), row.try_get("retired_secret")?];
    Ok(Call {
        list: unsigned(row, "list")?,
        slug: row.try_get("slug")?,
        webhook: WebhookId(fixed(row, "webhook")?),
        url: row.try_get("url")?,
        secrets: secrets.into_iter().flatten().collect(),
        name: fixed(row, "call")?,
        since: row.try_get("called_at")?,
        attempts: unsigned(row, "attempts")?,
        until,
    })
}
