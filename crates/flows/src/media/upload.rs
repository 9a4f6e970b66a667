use kernel::{Clock, MessagesSend, Permit, StoreError};
use media::{Media, MediaRepo, MediaSource, MediaState, NewUploaded, ObjectRepo};

/// What storing an uploaded file needs.
pub trait UploadMediaTx: MediaRepo + ObjectRepo {}

impl<T: MediaRepo + ObjectRepo + ?Sized> UploadMediaTx for T {}

#[derive(Debug, thiserror::Error)]
pub enum StoreUploadError {
    /// Its object may be deleted meanwhile: it is to be written again.
    #[error("storing the file took too long")]
    TookTooLong,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Stores the row of an uploaded file, whose object was published before.
///
/// # Errors
/// [`StoreUploadError`].
pub async fn store_upload<Tx: UploadMediaTx + ?Sized>(
    _permit: Permit<MessagesSend>,
    tx: &mut Tx,
    file: NewUploaded,
    clock: &dyn Clock,
) -> Result<Media, StoreUploadError> {
    let now = clock.now();
    if !tx.confirm_object(&file.stored.sha256, now).await? {
        return Err(StoreUploadError::TookTooLong);
    }
    tx.insert_uploaded(&file, now).await?;
    Ok(Media {
        id: file.id,
        source: MediaSource::Uploaded,
        state: MediaState::Stored,
        mime_type: Some(file.mime_type),
        filename: file.filename,
        stored: Some(file.stored),
        failure: None,
        waits_until: None,
        created_at: now,
    })
}
