use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::StoreError;
use kernel::ids::{AccountId, SenderId, TenantId};

/// A right to send for a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SenderLease {
    pub tenant: TenantId,
    pub account: AccountId,
}

/// What waits, of all tenants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendBacklog {
    pub queued: i64,
    pub sending: i64,
    /// Unclear ones that no person has decided about.
    pub unknown: i64,
    /// When the longest waiting send was due, of accounts that can send and are not paused.
    pub oldest_due: Option<DateTime<Utc>>,
    /// When the oldest of them got its unclear answer, of those of the last day.
    pub oldest_unknown: Option<DateTime<Utc>>,
    /// Accounts that are paused as a whole.
    pub paused_accounts: i64,
}

/// Which numbers have something to send, and which sender works each. Of all tenants.
#[async_trait]
pub trait SendLedger: Send {
    /// Leases numbers with sends that are due at `now` and that no other sender has a lease on, at most `limit`; those that have
    /// waited longest first, and few beyond the holder's share: senders that have reported themselves share the numbers. The leases
    /// last as long as `lease` says, by the clock of the database: those of the senders may differ.
    async fn lease_numbers(
        &mut self,
        holder: SenderId,
        now: DateTime<Utc>,
        lease: TimeDelta,
        limit: i64,
    ) -> Result<Vec<SenderLease>, StoreError>;
    /// Says that a sender runs, for as long as `lifetime` says by the clock of the database.
    async fn report_sender(&mut self, holder: SenderId, lifetime: TimeDelta) -> Result<(), StoreError>;
    /// Says that a sender takes no more numbers.
    async fn remove_sender(&mut self, holder: SenderId) -> Result<(), StoreError>;
    /// Extends all leases of the holder that have not ended. Returns those that it has.
    async fn renew_leases(&mut self, holder: SenderId, lease: TimeDelta) -> Result<Vec<SenderLease>, StoreError>;
    /// Ends leases, so that another sender need not wait.
    async fn release_leases(&mut self, holder: SenderId, accounts: &[AccountId]) -> Result<(), StoreError>;
    /// Counts what waits.
    async fn send_backlog(&mut self, now: DateTime<Utc>) -> Result<SendBacklog, StoreError>;
}
