use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::StoreError;

/// Sends and pauses of all tenants that are of no use any more.
#[async_trait]
pub trait SendHousekeeping: Send {
    /// Deletes reactions, read receipts and typing indicators that were made before that time and are over, at most `limit`. Returns
    /// their number. Sends of messages stay as long as the messages.
    async fn purge_sends(&mut self, made_before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;
    /// Deletes pauses that ended before that time, at most `limit`. Returns their number.
    async fn purge_pauses(&mut self, ended_before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;
}
