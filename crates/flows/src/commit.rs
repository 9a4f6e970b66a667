use async_trait::async_trait;
use kernel::StoreError;

/// Ends a transaction.
#[async_trait]
pub trait Commit: Send {
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
    async fn rollback(self: Box<Self>) -> Result<(), StoreError>;
}
