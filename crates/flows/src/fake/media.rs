//! No files wait. What is received is tested with a database.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::StoreError;
use kernel::ids::{AccountId, MediaId};
use media::{MediaFailure, MediaState, NewReceived, Received, ReceivedMediaRepo, StoredFile, WaitingMedia};

use super::FakeStore;

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
