use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::StoreError;
use kernel::ids::{AccountId, MediaId, MessageId, TenantId};

use crate::{
    Media, MediaFailure, MediaState, NewReceived, NewUploaded, ObjectKey, Received, Sha256, StoredFile, WaitingMedia,
};

/// Files of the transaction's tenant.
#[async_trait]
pub trait MediaRepo: Send {
    /// Stores a row of an uploaded file, in the state `stored`.
    async fn insert_uploaded(&mut self, media: &NewUploaded, now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Says which file each message has, instead of what it had.
    async fn link_media(&mut self, links: &[(MessageId, MediaId)]) -> Result<(), StoreError>;
    /// Says that the message has no file.
    async fn unlink_media(&mut self, message: MessageId) -> Result<(), StoreError>;
    async fn media_usage(&mut self) -> Result<MediaUsage, StoreError>;
    async fn media(&mut self, id: MediaId) -> Result<Option<Media>, StoreError> {
        Ok(self.media_by_id(&[id]).await?.remove(&id))
    }
    /// Those of the files that there are.
    async fn media_by_id(&mut self, ids: &[MediaId]) -> Result<HashMap<MediaId, Media>, StoreError>;
    /// The file of each message that has one.
    async fn media_of_messages(&mut self, messages: &[MessageId]) -> Result<Vec<(MessageId, Media)>, StoreError>;
}

/// Files that the transaction's tenant received.
#[async_trait]
pub trait ReceivedMediaRepo: Send {
    /// Of the messages with these ids of WhatsApp, those with a file at Meta that has no row. Revoked ones are left out, and those that
    /// were sent before `since`.
    async fn received_without_media(
        &mut self,
        messages: &[(AccountId, String)],
        since: DateTime<Utc>,
    ) -> Result<Vec<Received>, StoreError>;
    /// Stores rows in the state `waiting`, with their messages.
    async fn insert_received(&mut self, media: &[NewReceived], now: DateTime<Utc>) -> Result<(), StoreError>;
    /// `None` unless it waits.
    async fn waiting_media(&mut self, id: MediaId) -> Result<Option<WaitingMedia>, StoreError>;
    /// Ends the waiting: the file has these bytes, whose object is confirmed. Returns false, and changes nothing, unless it waits.
    async fn media_stored(
        &mut self,
        id: MediaId,
        file: StoredFile,
        mime_type: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError>;
    /// Records a failed attempt, and the state in which the file ends; `None` if it still waits. Changes nothing unless it waits.
    async fn media_failed(
        &mut self,
        id: MediaId,
        failure: MediaFailure,
        end: Option<MediaState>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
    /// Makes a received file wait that ended in another state than `stored`, without failures. Returns false if it is none.
    async fn media_waits_again(&mut self, id: MediaId) -> Result<bool, StoreError>;
    /// The files of the account that wait, at most `limit`, those that can be fetched for longest first.
    async fn waiting_of_account(&mut self, account: AccountId, limit: i64) -> Result<Vec<MediaId>, StoreError>;
}

/// Objects of the transaction's tenant.
#[async_trait]
pub trait ObjectRepo: Send {
    /// Before an object becomes visible in the store: see the crate's invariants.
    async fn reserve_object(&mut self, object: &NewObject, now: DateTime<Utc>) -> Result<Reservation, StoreError>;
    /// After it became visible, in the transaction that stores its file's row. Returns false if it was reserved too long ago: it is to be
    /// reserved and written again.
    async fn confirm_object(&mut self, sha256: &Sha256, now: DateTime<Utc>) -> Result<bool, StoreError>;
    /// Deletes files that no message has any more, and those that were uploaded before `uploaded_before` and never sent; and puts
    /// objects without files into the ledger of deletions. Each at most `limit`. Returns whether there may be more.
    async fn delete_unused_media(
        &mut self,
        uploaded_before: DateTime<Utc>,
        limit: i64,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError>;
    /// Puts objects that no file has into the ledger of deletions, at most `limit`: what interrupted writes left. Returns whether there may
    /// be more.
    async fn delete_unused_objects(&mut self, limit: i64, now: DateTime<Utc>) -> Result<bool, StoreError>;
    /// Of these objects in the store, those that no row knows: they are put into the ledger of deletions. Returns them.
    async fn delete_unknown_objects(
        &mut self,
        objects: &[Sha256],
        now: DateTime<Utc>,
    ) -> Result<Vec<Sha256>, StoreError>;
    /// Objects that files have, in the order of their hashes, after the given one.
    async fn objects(&mut self, after: Option<&Sha256>, limit: i64) -> Result<Vec<ObjectRow>, StoreError>;
    /// The bytes of an object are not in the store: its received files that Meta may still have wait again. Returns them. The next
    /// reservation of the object writes it, for its other files as well.
    async fn object_is_missing(&mut self, sha256: &Sha256, now: DateTime<Utc>) -> Result<Vec<MediaId>, StoreError>;
}

/// An object to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewObject {
    pub sha256: Sha256,
    pub size: u64,
}

/// What is to be done for an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// It is to be made visible, then confirmed.
    Write,
    /// It is in the store already. It stays for a while, and is to be confirmed, as after a write.
    Exists,
    /// It is being deleted: to be tried again in a few seconds.
    BeingDeleted,
}

/// An object that the rows say is in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectRow {
    pub sha256: Sha256,
    pub size: u64,
}

/// What a tenant's stored files take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MediaUsage {
    pub files: u64,
    /// Of objects: files with the same bytes count once.
    pub bytes: u64,
}

/// Files of all tenants, without what is in them.
#[async_trait]
pub trait MediaLedger: Send {
    /// Claims deletions that no other process has, at most `limit`. An object of a claimed deletion is not reserved.
    async fn claim_object_deletions(
        &mut self,
        now: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<ObjectDeletion>, StoreError>;
    /// The bytes are deleted.
    async fn object_deleted(&mut self, deletion: &ObjectDeletion) -> Result<(), StoreError>;
    async fn count_media(&mut self) -> Result<MediaCounts, StoreError>;
}

/// A claimed deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectDeletion {
    pub tenant: TenantId,
    pub sha256: Sha256,
}

impl ObjectDeletion {
    /// What is to be deleted.
    #[must_use]
    pub const fn keys(&self) -> [ObjectKey; 2] {
        [ObjectKey::whole(self.tenant, self.sha256), ObjectKey::thumbnail(self.tenant, self.sha256)]
    }
}

/// Finds tenants whose files are to be tidied up. The lists are in the order of the ids, after the given one.
#[async_trait]
pub trait MediaHousekeeping: Send {
    /// Those with files that messages have no more.
    async fn tenants_with_unlinked_media(
        &mut self,
        after: Option<TenantId>,
        limit: i32,
    ) -> Result<Vec<TenantId>, StoreError>;
    async fn all_tenants(&mut self, after: Option<TenantId>, limit: i32) -> Result<Vec<TenantId>, StoreError>;
    /// Those with files or objects.
    async fn tenants_with_media(&mut self, after: Option<TenantId>, limit: i32) -> Result<Vec<TenantId>, StoreError>;
}

/// Files of all tenants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MediaCounts {
    pub waiting: i64,
    /// When the message was sent whose file waits longest.
    pub oldest_waiting: Option<DateTime<Utc>>,
    /// Of those that wait, files of accounts without a usable token.
    pub without_token: i64,
    /// Objects that are to be deleted.
    pub deletions: i64,
    pub oldest_deletion: Option<DateTime<Utc>>,
}
