use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::StoreError;
use kernel::ids::{AccountId, MediaId, MessageId};
use media::{
    Media, MediaFailure, MediaRepo, MediaState, MediaUsage, NewObject, NewReceived, NewUploaded, ObjectRepo, ObjectRow,
    Received, ReceivedMediaRepo, Reservation, Sha256, StoredFile, WaitingMedia,
};

use super::{files, objects, receiving};
use crate::transaction::{Tenant, Tx};

#[async_trait]
impl MediaRepo for Tx<Tenant> {
    async fn media_by_id(&mut self, ids: &[MediaId]) -> Result<HashMap<MediaId, Media>, StoreError> {
        files::by_id(self, ids).await
    }

    async fn media_of_messages(&mut self, messages: &[MessageId]) -> Result<Vec<(MessageId, Media)>, StoreError> {
        files::of_messages(self, messages).await
    }

    async fn insert_uploaded(&mut self, media: &NewUploaded, now: DateTime<Utc>) -> Result<(), StoreError> {
        files::insert_uploaded(self, media, now).await
    }

    async fn link_media(&mut self, links: &[(MessageId, MediaId)]) -> Result<(), StoreError> {
        files::link(self, links).await
    }

    async fn unlink_media(&mut self, message: MessageId) -> Result<(), StoreError> {
        files::unlink(self, message).await
    }

    async fn media_usage(&mut self) -> Result<MediaUsage, StoreError> {
        objects::usage(self).await
    }
}

#[async_trait]
impl ReceivedMediaRepo for Tx<Tenant> {
    async fn received_without_media(
        &mut self,
        messages: &[(AccountId, String)],
        since: DateTime<Utc>,
    ) -> Result<Vec<Received>, StoreError> {
        receiving::without_media(self, messages, since).await
    }

    async fn insert_received(&mut self, media: &[NewReceived], now: DateTime<Utc>) -> Result<(), StoreError> {
        receiving::insert(self, media, now).await
    }

    async fn waiting_media(&mut self, id: MediaId) -> Result<Option<WaitingMedia>, StoreError> {
        receiving::waiting(self, id).await
    }

    async fn media_stored(
        &mut self,
        id: MediaId,
        file: StoredFile,
        mime_type: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        receiving::stored(self, id, file, mime_type, now).await
    }

    async fn media_failed(
        &mut self,
        id: MediaId,
        failure: MediaFailure,
        end: Option<MediaState>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        receiving::failed(self, id, failure, end, now).await
    }

    async fn media_waits_again(&mut self, id: MediaId) -> Result<bool, StoreError> {
        receiving::wait_again(self, id).await
    }

    async fn waiting_of_account(&mut self, account: AccountId, limit: i64) -> Result<Vec<MediaId>, StoreError> {
        receiving::waiting_of_account(self, account, limit).await
    }
}

#[async_trait]
impl ObjectRepo for Tx<Tenant> {
    async fn reserve_object(&mut self, object: &NewObject, now: DateTime<Utc>) -> Result<Reservation, StoreError> {
        objects::reserve(self, object, now).await
    }

    async fn confirm_object(&mut self, sha256: &Sha256, now: DateTime<Utc>) -> Result<bool, StoreError> {
        objects::confirm(self, sha256, now).await
    }

    async fn delete_unused_media(
        &mut self,
        uploaded_before: DateTime<Utc>,
        limit: i64,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        objects::delete_unused(self, uploaded_before, limit, now).await
    }

    async fn delete_unused_objects(&mut self, limit: i64, now: DateTime<Utc>) -> Result<bool, StoreError> {
        objects::delete_unused_objects(self, limit, now).await
    }

    async fn delete_unknown_objects(
        &mut self,
        found: &[Sha256],
        now: DateTime<Utc>,
    ) -> Result<Vec<Sha256>, StoreError> {
        objects::delete_unknown(self, found, now).await
    }

    async fn objects(&mut self, after: Option<&Sha256>, limit: i64) -> Result<Vec<ObjectRow>, StoreError> {
        objects::objects(self, after, limit).await
    }

    async fn object_is_missing(&mut self, sha256: &Sha256, now: DateTime<Utc>) -> Result<Vec<MediaId>, StoreError> {
        objects::missing(self, sha256, now).await
    }
}
