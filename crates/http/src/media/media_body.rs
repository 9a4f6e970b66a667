use chrono::{DateTime, Utc};
use media::{Media, MediaFailure, MediaState};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::file_name::harmless;
use crate::crm::message_parts::MediaStateBody;

/// A file of a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Media)]
pub(crate) struct FileBody {
    id: Uuid,
    /// Of a stored file, what its bytes say; else what WhatsApp says.
    #[schema(example = "image/jpeg", required)]
    mime_type: Option<String>,
    /// Bytes; null until the file is stored.
    #[schema(example = 48_213, required)]
    size: Option<u64>,
    /// Hexadecimal; null until the file is stored.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", required)]
    sha256: Option<String>,
    /// Without what could make a path of it, or mislead.
    #[schema(example = "invoice.pdf", required)]
    filename: Option<String>,
    state: MediaStateBody,
    /// Why it is not stored.
    #[schema(example = "the account has no access token that can be used", required)]
    reason: Option<&'static str>,
    /// Until when it can be fetched from WhatsApp; null once it is stored, and of uploaded files.
    #[schema(required)]
    waits_until: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl From<Media> for FileBody {
    fn from(media: Media) -> Self {
        let is_stored = media.state == MediaState::Stored;
        Self {
            id: media.id.as_uuid(),
            mime_type: media.mime_type,
            size: media.stored.map(|stored| stored.size),
            sha256: media.stored.map(|stored| stored.sha256.to_string()),
            filename: media.filename.as_deref().and_then(harmless),
            state: media.state.into(),
            reason: media.failure.filter(|_| !is_stored).map(MediaFailure::words),
            waits_until: media.waits_until.filter(|_| media.state == MediaState::Waiting),
            created_at: media.created_at,
        }
    }
}
