use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{MessageId, TenantId};
use kernel::{Clock, ContentPart, StoreError};

/// Hashes of the identities of deleted contacts, of all tenants.
#[async_trait]
pub trait ErasureHousekeeping: Send {
    /// Replaces hashes that earlier versions made without a key, at most `limit`. Returns their number.
    async fn key_hashes(&mut self, limit: i64) -> Result<usize, StoreError>;
    /// Deletes hashes of contacts that were deleted before the time, at most `limit`. Returns their number.
    async fn purge_hashes(&mut self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;
}

/// Finds tenants with unfinished [contact jobs](ContactJobRepo).
#[async_trait]
pub trait ContactJobDirectory: Send {
    /// In the order of their ids, after the given one.
    async fn tenants_with_contact_jobs(
        &mut self,
        after: Option<TenantId>,
        limit: i32,
    ) -> Result<Vec<TenantId>, StoreError>;
}

/// What is left to do of erasures and merges of contacts with much data. A job is as many transactions as it has steps; one that
/// is interrupted is continued.
#[async_trait]
pub trait ContactJobRepo: Send {
    /// Moves or deletes a limited number of rows of the tenant's oldest job. Returns whether anything is left to do, of this job
    /// or another; `false` as well while another process runs a step. The caller has locked recording exclusively.
    async fn continue_contact_job(&mut self) -> Result<bool, StoreError>;
}

/// Finds tenants with [old content](OldContentRepo).
#[async_trait]
pub trait OldContentDirectory: Send {
    /// In the order of their ids, after the given one.
    async fn tenants_with_old_content(
        &mut self,
        after: Option<TenantId>,
        limit: i32,
    ) -> Result<Vec<TenantId>, StoreError>;
}

/// A message as an earlier version stored it.
#[derive(Clone, Debug)]
pub struct OldMessage {
    pub id: MessageId,
    /// What WhatsApp sent.
    pub payload: String,
}

/// What a message says by the rules of this version.
#[derive(Clone, Debug)]
pub struct RenewedMessage {
    pub id: MessageId,
    /// `None` if the payload does not tell: the message keeps its text.
    pub text: Option<String>,
    pub parts: Vec<ContentPart>,
}

/// Texts of messages, and words for search, that an earlier version derived by other rules. They are derived again, a limited number
/// in each transaction; a run that is interrupted is continued. What was changed since, by an edit or a revocation, stays.
#[async_trait]
pub trait OldContentRepo: Send {
    /// Some messages whose content has to be derived again; none if there is none.
    async fn old_messages(&mut self) -> Result<Vec<OldMessage>, StoreError>;
    /// Stores contents, and shows them in histories; previews show them after [`PastRepo::renew_past`]. Computes the words for search
    /// again. The caller has locked recording exclusively.
    async fn renew_messages(&mut self, messages: &[RenewedMessage]) -> Result<(), StoreError>;
    /// Computes the words for search of some contacts again. Returns whether any are left.
    async fn renew_names(&mut self) -> Result<bool, StoreError>;
}

/// What versions without imported conversations stored.
#[async_trait]
pub trait PastRepo: Send {
    /// Brings some messages to what recording them now would make of them: those of one second are in the order of their events,
    /// as far as these are kept, those from before the connection of the number are in
    /// imported conversations, entries of histories name the messages that they are about, and conversations show what happened to
    /// their messages. Nothing becomes unread. Doing it again changes nothing. The caller has locked recording exclusively.
    async fn renew_past(&mut self, messages: &[MessageId], clock: &dyn Clock) -> Result<(), StoreError>;
}
