use bytes::Bytes;
use kernel::ids::TenantId;
use media::{
    ByteSource, FileType, HEAD_BYTES, MAX_PICTURE_BYTES, Media, ObjectKey, ObjectStore, ObjectStoreError, Thumbnail,
    ThumbnailError, Thumbnailer,
};

/// What became of the wish for a thumbnail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThumbnailOutcome {
    /// It is in the store.
    Stored {
        key: ObjectKey,
        size: u64,
        mime_type: &'static str,
    },
    Failed(ThumbnailError),
    /// The bytes of the file are not in the store.
    Missing,
}

/// Finds the thumbnail of a stored file in the store, or makes it and stores it. `reserve` grants memory for the picture.
///
/// # Errors
/// [`ObjectStoreError`].
pub async fn thumbnail_of(
    store: &dyn ObjectStore,
    maker: &dyn Thumbnailer,
    tenant: TenantId,
    media: &Media,
    reserve: impl FnOnce(usize) -> bool,
) -> Result<ThumbnailOutcome, ObjectStoreError> {
    let Some(stored) = media.stored else { return Ok(ThumbnailOutcome::Missing) };
    let is_image = media.mime_type.as_deref().is_some_and(|mime_type| mime_type.starts_with("image/"));
    if !is_image {
        return Ok(ThumbnailOutcome::Failed(ThumbnailError::NoPicture));
    }
    let key = ObjectKey::thumbnail(tenant, stored.sha256);
    if let Some(info) = store.info(&key).await? {
        let head = 0..info.size.min(u64::try_from(HEAD_BYTES).unwrap_or(u64::MAX));
        if let Some(source) = store.read(&key, Some(head)).await? {
            let head = collect(source).await?;
            let mime_type = FileType::recognise(&head).map_or("application/octet-stream", |found| found.mime());
            return Ok(ThumbnailOutcome::Stored { key, size: info.size, mime_type });
        }
    }
    if stored.size > MAX_PICTURE_BYTES {
        return Ok(ThumbnailOutcome::Failed(ThumbnailError::TooLarge));
    }
    if !reserve(usize::try_from(stored.size).unwrap_or(usize::MAX)) {
        return Ok(ThumbnailOutcome::Failed(ThumbnailError::Busy));
    }
    let Some(source) = store.read(&ObjectKey::whole(tenant, stored.sha256), None).await? else {
        return Ok(ThumbnailOutcome::Missing);
    };
    let Thumbnail { bytes, mime_type } = match maker.thumbnail(collect(source).await?).await {
        Ok(thumbnail) => thumbnail,
        Err(error) => return Ok(ThumbnailOutcome::Failed(error)),
    };
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let mut writer = store.begin(tenant, Some(size)).await?;
    if let Err(error) = writer.write(bytes).await {
        writer.abort().await;
        return Err(error);
    }
    writer.finish(&key).await?;
    Ok(ThumbnailOutcome::Stored { key, size, mime_type })
}

async fn collect(mut source: Box<dyn ByteSource>) -> Result<Bytes, ObjectStoreError> {
    let mut bytes = Vec::with_capacity(usize::try_from(source.size().unwrap_or_default()).unwrap_or_default());
    let broken = |error: media::SourceError| ObjectStoreError::Unavailable(error.to_string());
    while let Some(piece) = source.next().await.map_err(broken)? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.into())
}
