use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::ids::{AccountId, MediaId, MediaUploadId};
use kernel::{MediaKind, StoreError};

use crate::Sha256;

/// How long an id of Meta's is used. Meta keeps a file for 30 days.
pub const USED_AT_META: TimeDelta = TimeDelta::days(29);

/// What Meta has of a file that is to be sent from a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AtMeta {
    /// Meta's id of it.
    Uploaded(String),
    /// It is to be uploaded by the job about this id.
    Wanted(MediaUploadId),
    /// Meta did not take it.
    Refused,
    /// There is no such file any more.
    Gone,
}

/// A file to upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedUpload {
    pub account: AccountId,
    pub sha256: Sha256,
    pub size: u64,
    pub kind: MediaKind,
    /// As Meta names it.
    pub mime_type: String,
    pub filename: String,
}

/// Files at Meta, for numbers of the transaction's tenant.
#[async_trait]
pub trait MediaAtMetaRepo: Send {
    /// What Meta has of a file, as that kind. What is not there is wanted afterwards, with the id `new` if it was not wanted yet; so is what
    /// was uploaded longer than [`USED_AT_META`] ago. A refusal is told once: then it is forgotten, so that a person can try again.
    async fn media_at_meta(
        &mut self,
        account: AccountId,
        (media, kind): (MediaId, MediaKind),
        new: MediaUploadId,
        now: DateTime<Utc>,
    ) -> Result<AtMeta, StoreError>;
    /// `None` unless it is wanted.
    async fn wanted_upload(&mut self, id: MediaUploadId) -> Result<Option<WantedUpload>, StoreError>;
    /// Meta's id of it, or that Meta did not take it. What waits for it may leave now.
    async fn media_uploaded(
        &mut self,
        id: MediaUploadId,
        meta_id: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
    /// Meta may have forgotten the files of these sends: they are wanted again.
    async fn forget_media_at_meta(&mut self, sends: &[kernel::ids::SendId]) -> Result<(), StoreError>;
}

/// The type that Meta is told: a container of sound and pictures is called what it is sent as.
#[must_use]
pub fn type_for_meta(kind: MediaKind, stored: &str) -> &str {
    match (kind, stored) {
        (MediaKind::Audio, "video/mp4") => "audio/mp4",
        (MediaKind::Video, "audio/mp4") => "video/mp4",
        (_, other) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn container_is_named_after_its_kind() {
        assert_eq!(type_for_meta(MediaKind::Audio, "video/mp4"), "audio/mp4");
        assert_eq!(type_for_meta(MediaKind::Video, "audio/mp4"), "video/mp4");
        assert_eq!(type_for_meta(MediaKind::Document, "video/mp4"), "video/mp4");
        assert_eq!(type_for_meta(MediaKind::Image, "image/png"), "image/png");
    }
}
