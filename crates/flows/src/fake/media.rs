//! No files wait. What is received is tested with a database.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::StoreError;
use kernel::ids::{AccountId, MediaId, MessageId};
use media::{
    Media, MediaFailure, MediaRepo, MediaState, MediaUsage, NewReceived, NewUploaded, Received, ReceivedMediaRepo,
    StoredFile, WaitingMedia,
};

use super::FakeStore;

#[async_trait]
impl MediaRepo for FakeStore {
    async fn insert_uploaded(&mut self, _: &NewUploaded, _: DateTime<Utc>) -> Result<(), StoreError> {
        unreachable!("no message of unit tests has a file")
    }

    async fn link_media(&mut self, _: &[(MessageId, MediaId)]) -> Result<(), StoreError> {
        unreachable!("no message of unit tests has a file")
    }

    async fn unlink_media(&mut self, _: MessageId) -> Result<(), StoreError> {
        Ok(())
    }

    async fn media_usage(&mut self) -> Result<MediaUsage, StoreError> {
        Ok(MediaUsage::default())
    }

    async fn media_by_id(&mut self, _: &[MediaId]) -> Result<HashMap<MediaId, Media>, StoreError> {
        Ok(HashMap::new())
    }

    async fn media_of_messages(&mut self, _: &[MessageId]) -> Result<Vec<(MessageId, Media)>, StoreError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl ReceivedMediaRepo for FakeStore {
    async fn received_without_media(
        &mut self,
        _: &[(AccountId, String)],
        _: DateTime<Utc>,
    ) -> Result<Vec<Received>, StoreError> {
        Ok(Vec::new())
    }

    async fn insert_received(&mut self, _: &[NewReceived], _: DateTime<Utc>) -> Result<(), StoreError> {
        unreachable!("no message of unit tests has a file")
    }

    async fn waiting_media(&mut self, _: MediaId) -> Result<Option<WaitingMedia>, StoreError> {
        unreachable!("no message of unit tests has a file")
    }

    async fn media_stored(&mut self, _: MediaId, _: StoredFile, _: &str, _: DateTime<Utc>) -> Result<bool, StoreError> {
        unreachable!("no message of unit tests has a file")
    }

    async fn media_failed(
        &mut self,
        _: MediaId,
        _: MediaFailure,
        _: Option<MediaState>,
        _: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        unreachable!("no message of unit tests has a file")
    }

    async fn media_waits_again(&mut self, _: MediaId) -> Result<bool, StoreError> {
        unreachable!("no message of unit tests has a file")
    }

    async fn waiting_of_account(&mut self, _: AccountId, _: i64) -> Result<Vec<MediaId>, StoreError> {
        Ok(Vec::new())
    }
}
