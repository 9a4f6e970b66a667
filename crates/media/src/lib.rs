#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

mod at_meta;
mod check;
mod deadline;
mod failure;
mod file_type;
mod limits;
mod media_api;
mod media_file;
mod object_key;
mod object_store;
mod ports;
mod sha256;
mod state;
mod thumbnail;

pub use at_meta::{AtMeta, MediaAtMetaRepo, USED_AT_META, WantedUpload, type_for_meta};
pub use check::{Checked, FileCheck};
pub use deadline::{Lifetime, next_attempt};
pub use failure::{FailureKind, MediaFailure};
pub use file_type::{FileType, HEAD_BYTES, Mismatch};
pub use limits::{SendLimitError, check_sendable, max_upload_bytes};
pub use media_api::{ByteSource, MediaApi, MediaApiError, MediaDescription, NewUpload, SourceError};
pub use media_file::{Media, MediaSource, NewReceived, NewUploaded, Received, StoredFile, WaitingMedia};
pub use object_key::{ObjectKey, ObjectPart};
pub use object_store::{ByteRange, ObjectInfo, ObjectStore, ObjectStoreError, ObjectWriter, SignedHeaders};
pub use ports::{
    MediaCounts, MediaHousekeeping, MediaLedger, MediaRepo, MediaUsage, NewObject, ObjectDeletion, ObjectRepo,
    ObjectRow, ReceivedMediaRepo, Reservation,
};
pub use sha256::{InvalidSha256, Sha256, Sha256Hasher};
pub use state::MediaState;
pub use thumbnail::{MAX_PICTURE_BYTES, Thumbnail, ThumbnailError, Thumbnailer};
