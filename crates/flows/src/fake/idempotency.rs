use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::StoreError;
use kernel::seal::Tag;

use super::FakeStore;
use crate::{IdempotencyRepo, KeyedRequest, Sender, StoredResponse};

/// The stored responses.
#[derive(Debug, Default)]
pub(crate) struct FakeIdempotency {
    pub(crate) rows: Vec<Row>,
    pub(crate) is_locked: bool,
    /// Another transaction holds the locks of all requests.
    pub(crate) is_locked_elsewhere: bool,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: (Sender, String, String),
    pub(crate) fingerprint: Tag,
    pub(crate) response: StoredResponse,
    pub(crate) created_at: DateTime<Utc>,
}

fn id(request: &KeyedRequest) -> (Sender, String, String) {
    (request.sender, request.route.clone(), request.key.as_str().to_owned())
}

#[async_trait]
impl IdempotencyRepo for FakeStore {
    async fn lock_idempotency_keys(&mut self, requests: &[&KeyedRequest]) -> Result<Vec<bool>, StoreError> {
        self.idempotency.is_locked = !self.idempotency.is_locked_elsewhere;
        Ok(vec![self.idempotency.is_locked; requests.len()])
    }

    async fn stored_responses(
        &mut self,
        requests: &[&KeyedRequest],
        since: DateTime<Utc>,
    ) -> Result<Vec<Option<(Tag, StoredResponse)>>, StoreError> {
        assert!(self.idempotency.is_locked, "another transaction may be about to store a response");
        let find = |request: &&KeyedRequest| {
            let mut rows = self.idempotency.rows.iter().filter(|row| row.created_at > since);
            let row = rows.find(|row| row.id == id(request));
            row.map(|row| (row.fingerprint.clone(), row.response.clone()))
        };
        Ok(requests.iter().map(find).collect())
    }

    async fn store_responses(
        &mut self,
        responses: &[(&KeyedRequest, Tag, &StoredResponse)],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for (request, fingerprint, response) in responses {
            let id = id(request);
            self.idempotency.rows.retain(|row| row.id != id);
            let (fingerprint, response) = (fingerprint.clone(), (*response).clone());
            self.idempotency.rows.push(Row { id, fingerprint, response, created_at: now });
        }
        Ok(())
    }
}
