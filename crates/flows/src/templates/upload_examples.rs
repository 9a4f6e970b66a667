use std::collections::HashMap;

use channels::{AccountApi, AccountApiError};
use kernel::ids::MediaId;
use kernel::{MediaKind, StoreError, TenantScope};
use media::{Media, MediaApi, MediaApiError, MediaState, NewUpload, ObjectKey, ObjectStore, ObjectStoreError};
use outbound::{BusinessAccountAccess, NewTemplate, TemplateApiError};

use crate::{Database, settle};

/// Why the examples of a template are not at Meta.
#[derive(Debug, thiserror::Error)]
pub enum UploadExamplesError {
    /// There is no such file, or its bytes are not here.
    #[error("the file {0} is not here")]
    NoFile(MediaId),
    #[error(transparent)]
    Api(#[from] TemplateApiError),
    #[error(transparent)]
    Objects(#[from] ObjectStoreError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where files come from, and where they go.
#[derive(Clone, Copy)]
pub struct ExampleUpload<'a> {
    pub database: &'a dyn Database,
    pub store: &'a dyn ObjectStore,
    pub accounts: &'a dyn AccountApi,
    pub media: &'a dyn MediaApi,
}

impl std::fmt::Debug for ExampleUpload<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExampleUpload").finish_non_exhaustive()
    }
}

impl ExampleUpload<'_> {
    /// Uploads the files of ours that are examples of headers, and puts Meta's handles in their places. They belong to the app of the access
    /// token. Call it outside of a transaction.
    ///
    /// # Errors
    /// [`UploadExamplesError`]: nothing was created.
    pub async fn run(
        &self,
        scope: &TenantScope,
        access: &BusinessAccountAccess,
        new: NewTemplate,
    ) -> Result<NewTemplate, UploadExamplesError> {
        let files = new.example_files();
        if files.is_empty() {
            return Ok(new);
        }
        let facts = self.accounts.token(&access.access_token).await.map_err(asked)?;
        let silent = || TemplateApiError::Silent("Meta does not say which app the access token is of".to_owned());
        let app = facts.app_id.ok_or_else(silent)?;
        let mut handles = HashMap::new();
        for id in files {
            let mut tx = self.database.tenant(scope).await?;
            let media = tx.media(id).await;
            let media = settle(tx, media).await?.filter(|media| media.state == MediaState::Stored);
            let media = media.ok_or(UploadExamplesError::NoFile(id))?;
            handles.insert(id, self.upload(scope, access, &app, media).await?);
        }
        Ok(new.with_handles(|id| handles.get(&id).cloned()))
    }

    async fn upload(
        &self,
        scope: &TenantScope,
        access: &BusinessAccountAccess,
        app: &str,
        media: Media,
    ) -> Result<String, UploadExamplesError> {
        let stored = media.stored.ok_or(UploadExamplesError::NoFile(media.id))?;
        let bytes = self.store.read(&ObjectKey::whole(scope.tenant(), stored.sha256), None).await?;
        let bytes = bytes.ok_or(UploadExamplesError::NoFile(media.id))?;
        let mime_type = media.mime_type.unwrap_or_default();
        let kind = match mime_type.split('/').next() {
            Some("image") => MediaKind::Image,
            Some("video") => MediaKind::Video,
            _ => MediaKind::Document,
        };
        let filename = media.filename.unwrap_or_else(|| "example".to_owned());
        let file = NewUpload { kind, mime_type, filename, size: stored.size };
        Ok(self.media.upload_example(&access.access_token, app, &file, bytes).await.map_err(uploaded)?)
    }
}

fn asked(error: AccountApiError) -> TemplateApiError {
    match error {
        AccountApiError::Refused(error) => TemplateApiError::Refused(*error),
        AccountApiError::Silent(reason) => TemplateApiError::Silent(reason),
    }
}

fn uploaded(error: MediaApiError) -> TemplateApiError {
    match error {
        MediaApiError::Refused(error) => TemplateApiError::Refused(*error),
        other => TemplateApiError::Silent(other.to_string()),
    }
}
