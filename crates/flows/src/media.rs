//! Files of messages: fetching them from Meta, and tidying up what nothing refers to. The bytes move between transactions.

mod attach;
mod check_store;
mod compare;
mod download;
mod read_media;
mod sweep;
mod thumbnail;
mod upload;
mod write;

pub use attach::{ReceiveMediaTx, attach_received, wake_waiting};
pub use check_store::{MediaCheck, MediaProblem, check_media};
pub use compare::CompareError;
pub use download::{DownloadMedia, Downloaded, MediaObserver};
pub use read_media::{RetryMediaError, RetryMediaTx, media_file, retry_media};
pub use sweep::{MediaSweep, delete_objects, sweep_stores, sweep_unlinked, sweep_unused};
pub use thumbnail::{ThumbnailOutcome, thumbnail_of};
pub use upload::{StoreUploadError, UploadMediaTx, store_upload};
pub use write::{ObjectWrite, WriteError};
