use jobs::JobRepo;
use kernel::ids::MediaId;
use kernel::{Clock, CrmRead, CrmWrite, Permit, StoreError};
use media::{Media, MediaRepo, ReceivedMediaRepo};

use super::attach::download_job;

/// What people may know of a file.
///
/// # Errors
/// [`StoreError`].
pub async fn media_file<Tx: MediaRepo + ?Sized>(
    _permit: Permit<CrmRead>,
    tx: &mut Tx,
    id: MediaId,
) -> Result<Option<Media>, StoreError> {
    tx.media(id).await
}

/// What fetching a file again needs.
pub trait RetryMediaTx: MediaRepo + ReceivedMediaRepo + JobRepo {}

impl<T: MediaRepo + ReceivedMediaRepo + JobRepo + ?Sized> RetryMediaTx for T {}

#[derive(Debug, thiserror::Error)]
pub enum RetryMediaError {
    #[error("the file does not exist")]
    NotFound,
    /// It is stored, or was uploaded.
    #[error("the file is not to be fetched")]
    NotRetryable,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a received file that is not stored wait again, and has it fetched now.
///
/// # Errors
/// [`RetryMediaError`].
pub async fn retry_media<Tx: RetryMediaTx + ?Sized>(
    _permit: Permit<CrmWrite>,
    tx: &mut Tx,
    id: MediaId,
    clock: &dyn Clock,
) -> Result<Media, RetryMediaError> {
    let media = tx.media(id).await?.ok_or(RetryMediaError::NotFound)?;
    if !media.state.can_be_retried() || !tx.media_waits_again(id).await? {
        return Err(RetryMediaError::NotRetryable);
    }
    if let Some(job) = download_job(id, clock) {
        tx.schedule_job(&job).await?;
    }
    Ok(tx.media(id).await?.unwrap_or(media))
}
