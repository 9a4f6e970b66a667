use async_trait::async_trait;
use bytes::Bytes;

/// Makes small pictures. Pictures come from strangers: an implementation bounds their pixels and its memory, and survives its decoder.
#[async_trait]
pub trait Thumbnailer: Send + Sync {
    async fn thumbnail(&self, picture: Bytes) -> Result<Thumbnail, ThumbnailError>;
}

/// Pictures with more bytes get no thumbnail.
pub const MAX_PICTURE_BYTES: u64 = 16 * 1_024 * 1_024;

/// A small picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    pub bytes: Bytes,
    pub mime_type: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThumbnailError {
    #[error("the file is no picture that can be shown small")]
    NoPicture,
    #[error("the picture has too many pixels")]
    TooLarge,
    /// Others are being made.
    #[error("too many pictures are being made small")]
    Busy,
}
