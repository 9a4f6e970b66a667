use chrono::{DateTime, Utc};
use kernel::ids::{AccountId, MediaId, MessageId};
use kernel::{Clock, MediaKind};

use crate::{Lifetime, MediaFailure, MediaState, Sha256};

/// Where a file comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum MediaSource {
    /// From Meta, with a message: of a customer, or sent from the phone.
    Received,
    /// Uploaded to be sent.
    Uploaded,
}

/// A file, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    pub id: MediaId,
    pub source: MediaSource,
    pub state: MediaState,
    /// Of a stored file what its bytes say; before, what Meta said.
    pub mime_type: Option<String>,
    /// As the sender named it: not safe to be a path or a header.
    pub filename: Option<String>,
    /// Of a stored file.
    pub stored: Option<StoredFile>,
    /// Why the last attempt to fetch it failed.
    pub failure: Option<MediaFailure>,
    /// Until when it can be fetched; of a received one.
    pub waits_until: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// The bytes of a stored file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredFile {
    pub sha256: Sha256,
    pub size: u64,
}

/// A message that was received with a file, which has no row yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub message: MessageId,
    pub account: AccountId,
    /// Of the message, as Meta names it: `image`, `audio`, ...
    pub kind: String,
    /// Meta's id of the file.
    pub meta_id: String,
    pub mime_type: Option<String>,
    pub filename: Option<String>,
    /// Meta's time of the message.
    pub sent_at: DateTime<Utc>,
}

/// A file to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReceived {
    pub id: MediaId,
    pub kind: MediaKind,
    pub received: Received,
    pub waits_until: DateTime<Utc>,
}

impl NewReceived {
    /// A file of an unknown kind of message is a document: it is never shown inline.
    #[must_use]
    pub fn new(received: Received, clock: &dyn Clock) -> Self {
        let kind = match received.kind.as_str() {
            // An earlier name.
            "voice" => MediaKind::Audio,
            kind => kind.parse().unwrap_or(MediaKind::Document),
        };
        Self { id: MediaId::new(clock), kind, waits_until: Lifetime::ends_at(received.sent_at), received }
    }
}

/// A file that was uploaded, and whose object is confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUploaded {
    pub id: MediaId,
    pub mime_type: String,
    pub filename: Option<String>,
    pub stored: StoredFile,
}

/// A file that waits to be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingMedia {
    pub id: MediaId,
    pub account: AccountId,
    pub meta_id: String,
    pub kind: MediaKind,
    pub mime_type: Option<String>,
    /// Failed attempts.
    pub failures: i32,
    /// The last of them that ended alike.
    pub alike: i32,
    pub failure: Option<MediaFailure>,
    pub waits_until: DateTime<Utc>,
}
