use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use kernel::ids::TenantId;

use crate::{ByteSource, ObjectKey};

/// Bytes of an object, from `start` to before `end`.
pub type ByteRange = Range<u64>;

/// Where the bytes of files are kept. Keys are never overwritten by other bytes: a key names their hash.
#[async_trait]
pub trait ObjectStore: Send + Sync {
    /// Begins an object of the tenant, whose name is not known yet. `size` is a hint.
    async fn begin(&self, tenant: TenantId, size: Option<u64>) -> Result<Box<dyn ObjectWriter>, ObjectStoreError>;
    /// The bytes of an object, or a range of them, piece by piece. `None` if there is no such object.
    async fn read(
        &self,
        key: &ObjectKey,
        range: Option<ByteRange>,
    ) -> Result<Option<Box<dyn ByteSource>>, ObjectStoreError>;
    async fn info(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, ObjectStoreError>;
    /// Deletes an object; that there is none is no error.
    async fn delete(&self, key: &ObjectKey) -> Result<(), ObjectStoreError>;
    /// Some objects whose keys begin with the prefix, in the order of their keys, after the given key; empty at the end. What is no key of
    /// an object is left out.
    async fn list(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> Result<Vec<ObjectInfo>, ObjectStoreError>;
    /// An address at which the store itself serves the object for that time, with these headers; `None` if it cannot.
    async fn sign(
        &self,
        key: &ObjectKey,
        valid_for: Duration,
        headers: &SignedHeaders,
    ) -> Result<Option<String>, ObjectStoreError>;
    /// Deletes what was begun before that time and never finished. Returns how many.
    async fn delete_unfinished(&self, before: DateTime<Utc>) -> Result<usize, ObjectStoreError>;
    /// Whether the store can be reached.
    async fn probe(&self) -> Result<(), ObjectStoreError>;
}

/// An object that is being written. It cannot be read before it is finished. One that is dropped is aborted as far as the store can;
/// [`ObjectStore::delete_unfinished`] deletes the rest.
#[async_trait]
pub trait ObjectWriter: Send {
    async fn write(&mut self, bytes: Bytes) -> Result<(), ObjectStoreError>;
    /// Makes all bytes that were written the object of that key, at once. The object may exist already.
    async fn finish(self: Box<Self>, key: &ObjectKey) -> Result<(), ObjectStoreError>;
    /// Discards what was written.
    async fn abort(self: Box<Self>);
}

/// How a store shows an object at a signed address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHeaders {
    pub content_type: String,
    pub content_disposition: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    pub key: ObjectKey,
    pub size: u64,
    pub modified_at: DateTime<Utc>,
}

/// The store did not do it. The text has no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectStoreError {
    /// It cannot be reached, or it is full: trying again later may succeed.
    #[error("the object store is not available: {0}")]
    Unavailable(String),
    /// It refused: what is configured is wrong.
    #[error("the object store refused: {0}")]
    Refused(String),
}
