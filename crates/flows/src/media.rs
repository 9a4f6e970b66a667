//! Files of messages: fetching them from Meta, and tidying up what nothing refers to. The bytes move between transactions.

mod attach;
mod check_store;
mod compare;
mod download;
mod sweep;
mod write;

pub use attach::{ReceiveMediaTx, attach_received, wake_waiting};
pub use check_store::{MediaCheck, MediaProblem, check_media};
pub use compare::CompareError;
pub use download::{DownloadMedia, Downloaded, MediaObserver};
pub use sweep::{MediaSweep, delete_objects, sweep_stores, sweep_unlinked, sweep_unused};
pub use write::{ObjectWrite, WriteError};
