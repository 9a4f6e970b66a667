use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;
use kernel::StoreError;
use kernel::ids::MediaId;
use media::{Media, Sha256, StoredFile};
use uuid::Uuid;

use crate::closed_set;
use crate::sql::types;

/// The columns of a [`MediaRow`], of `media f` with its object `o`.
#[derive(diesel::QueryableByName)]
pub(super) struct MediaRow {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = types::Text)]
    source: String,
    #[diesel(sql_type = types::Text)]
    state: String,
    #[diesel(sql_type = Nullable<types::Text>)]
    mime_type: Option<String>,
    #[diesel(sql_type = Nullable<types::Text>)]
    filename: Option<String>,
    #[diesel(sql_type = Nullable<types::Binary>)]
    sha256: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<types::BigInt>)]
    size: Option<i64>,
    #[diesel(sql_type = Nullable<types::Text>)]
    failure: Option<String>,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    waits_until: Option<DateTime<Utc>>,
    #[diesel(sql_type = types::Timestamptz)]
    created_at: DateTime<Utc>,
}

impl MediaRow {
    pub(super) fn into_media(self) -> Result<Media, StoreError> {
        let stored = match (self.sha256, self.size) {
            (Some(hash), Some(size)) => Some(StoredFile { sha256: sha256(&hash)?, size: size_of(size)? }),
            _ => None,
        };
        Ok(Media {
            id: MediaId::from_uuid(self.id),
            source: closed_set::parse(&self.source, "media.source")?,
            state: closed_set::parse(&self.state, "media.state")?,
            mime_type: self.mime_type,
            filename: self.filename,
            stored,
            failure: closed_set::parse_optional(self.failure.as_deref(), "media.failure")?,
            waits_until: self.waits_until,
            created_at: self.created_at,
        })
    }
}

pub(super) fn sha256(bytes: &[u8]) -> Result<Sha256, StoreError> {
    Sha256::from_slice(bytes).map_err(|_| StoreError::corrupt("a SHA-256"))
}

pub(super) fn size_of(size: i64) -> Result<u64, StoreError> {
    u64::try_from(size).map_err(|_| StoreError::corrupt("media_objects.size"))
}

pub(super) fn size_column(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

pub(super) fn hashes(hashes: &[Sha256]) -> Vec<Vec<u8>> {
    hashes.iter().map(|hash| hash.as_bytes().to_vec()).collect()
}
