//! The outbox: letters that wait. A row says whose and which kind, and nothing personal.

use jiff::Timestamp;
use tokio_postgres::Row;

use super::rows::{id, number, unsigned};
use super::{Store, StoreError, sql};
use crate::token::SubscriptionId;

/// The letters that the service sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i16)]
pub enum LetterKind {
    Confirmation = 1,
    AlreadySubscribed = 2,
    /// With the receipt, which is made when the letter is sent and kept nowhere.
    Welcome = 3,
    /// With the link to what is stored, for who asked by address.
    DataLink = 4,
    /// With the link to leave, for who asked by address.
    LeaveLink = 5,
    /// To a new address, which the old one's holder entered.
    Correction = 6,
    /// About the list's new notice: that it was corrected, or whether they agree to it.
    NoticeChange = 7,
}

impl LetterKind {
    const ALL: [LetterKind; 7] = [
        LetterKind::Confirmation,
        LetterKind::AlreadySubscribed,
        LetterKind::Welcome,
        LetterKind::DataLink,
        LetterKind::LeaveLink,
        LetterKind::Correction,
        LetterKind::NoticeChange,
    ];

    fn from_number(number: i16) -> Option<LetterKind> {
        LetterKind::ALL.into_iter().find(|kind| *kind as i16 == number)
    }
}

/// A letter that one postman holds until the lease ends.
#[derive(Clone, Debug)]
pub struct Lease {
    pub list: u32,
    pub subscription: SubscriptionId,
    pub kind: LetterKind,
    pub queued_at: Timestamp,
    /// How often it was taken, this time included.
    pub attempts: u32,
    until: Timestamp,
}

impl Store {
    /// Takes the letter that is due the longest, until `until`. Who does not report back by then has lost it.
    pub async fn lease_letter(&self, now: Timestamp, until: Timestamp) -> Result<Option<Lease>, StoreError> {
        let client = self.writer().await?;
        let statement = client.prepare_cached(sql::LEASE_LETTER).await?;
        let kinds = LetterKind::ALL.map(|kind| kind as i16);
        client
            .query_opt(&statement, &[&now, &until, &kinds.as_slice()])
            .await?
            .as_ref()
            .map(|row| lease(row, until))
            .transpose()
    }

    /// Holds the letter until `until` instead. `false` where the lease was lost, or the letter went with its person.
    pub async fn renew_lease(&self, lease: &mut Lease, until: Timestamp) -> Result<bool, StoreError> {
        let client = self.writer().await?;
        let statement = client.prepare_cached(sql::RENEW_LEASE).await?;
        let key = (number(lease.list), lease.subscription.0.as_slice(), lease.kind as i16);
        let held = client.execute(&statement, &[&key.0, &key.1, &key.2, &lease.until, &until]).await? == 1;
        lease.until = if held { until } else { lease.until };
        Ok(held)
    }

    /// Makes every letter due at `now`, leased or delayed. Only for who knows that nobody else is on this database.
    pub async fn hurry_letters(&self, now: Timestamp) -> Result<(), StoreError> {
        let client = self.writer().await?;
        let statement = client.prepare_cached(sql::HURRY_LETTERS).await?;
        client.execute(&statement, &[&now]).await?;
        Ok(())
    }

    /// The letter was delivered, or there is nobody to send it to any more.
    pub async fn finish_letter(&self, lease: &Lease) -> Result<(), StoreError> {
        let client = self.writer().await?;
        let statement = client.prepare_cached(sql::DELETE_LETTER).await?;
        let key = (number(lease.list), lease.subscription.0.as_slice(), lease.kind as i16);
        client.execute(&statement, &[&key.0, &key.1, &key.2, &lease.until]).await?;
        Ok(())
    }

    /// The letter is to be tried again at `next`.
    pub async fn delay_letter(&self, lease: &Lease, next: Timestamp, status: &str) -> Result<(), StoreError> {
        self.report(sql::DELAY_LETTER, lease, next, status).await
    }

    /// The letter was not tried, and is to be at `next`: this time counts for nothing.
    pub async fn postpone_letter(&self, lease: &Lease, next: Timestamp) -> Result<(), StoreError> {
        let client = self.writer().await?;
        let statement = client.prepare_cached(sql::POSTPONE_LETTER).await?;
        let key = (number(lease.list), lease.subscription.0.as_slice(), lease.kind as i16);
        client.execute(&statement, &[&key.0, &key.1, &key.2, &lease.until, &next]).await?;
        Ok(())
    }

    /// The letter is given up. It stays as a mark of that until its person goes or the mark grows old.
    pub async fn bury_letter(&self, lease: &Lease, now: Timestamp, status: &str) -> Result<(), StoreError> {
        self.report(sql::BURY_LETTER, lease, now, status).await
    }

    /// Forgets the marks of letters that were given up before `before`.
    pub async fn forget_dead_letters(&self, before: Timestamp) -> Result<(), StoreError> {
        let client = self.writer().await?;
        let statement = client.prepare_cached(sql::DELETE_DEAD_LETTERS).await?;
        client.execute(&statement, &[&before]).await?;
        Ok(())
    }

    /// Counts a letter that did not arrive, among those of its list and day (UTC); one to nobody is not counted.
    pub async fn count_bounce(&self, list: u32, id: SubscriptionId, at: Timestamp) -> Result<(), StoreError> {
        let client = self.writer().await?;
        let statement = client.prepare_cached(sql::COUNT_BOUNCE).await?;
        client.execute(&statement, &[&number(list), &id.0.as_slice(), &at]).await?;
        Ok(())
    }

    /// How many letters of a list did not arrive since a day (UTC).
    pub async fn bounces_since(&self, list: u32, at: Timestamp) -> Result<u64, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(sql::COUNT_BOUNCES).await?;
        let row = client.query_one(&statement, &[&number(list), &at]).await?;
        u64::try_from(row.try_get::<_, i64>("letters")?).map_err(|_| StoreError::Malformed("letters"))
    }

    async fn report(&self, sql: &str, lease: &Lease, at: Timestamp, status: &str) -> Result<(), StoreError> {
        let client = self.writer().await?;
        let statement = client.prepare_cached(sql).await?;
        let key = (number(lease.list), lease.subscription.0.as_slice(), lease.kind as i16);
        client.execute(&statement, &[&key.0, &key.1, &key.2, &lease.until, &at, &status]).await?;
        Ok(())
    }
}

fn lease(row: &Row, until: Timestamp) -> Result<Lease, StoreError> {
    let kind = LetterKind::from_number(row.try_get("kind")?);
    Ok(Lease {
        list: unsigned(row, "list")?,
        subscription: id(row, "subscription")?,
        kind: kind.ok_or(StoreError::Malformed("a letter's kind"))?,
        queued_at: row.try_get("queued_at")?,
        attempts: unsigned(row, "attempts")?,
        until,
    })
}
