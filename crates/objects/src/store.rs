use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::BytesMut;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _};
use kernel::ids::TenantId;
use media::{ByteRange, ByteSource, ObjectInfo, ObjectKey, ObjectStore, ObjectStoreError, ObjectWriter, SignedHeaders};
use object_store::path::{Path, PathPart};
use object_store::signer::SignedUrlOptions;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStoreExt as _};
use url::Url;

use crate::failure::failure;
use crate::folder;
use crate::location::{Location, LocationError};
use crate::place::{UNFINISHED, path};
use crate::source::ObjectBytes;
use crate::writer::PartWriter;

/// The least that S3 takes, but for the last.
const BUCKET_PART: usize = 5 * 1024 * 1024;
const FOLDER_PART: usize = 256 * 1024;

/// An object store.
#[derive(Clone)]
pub struct Objects {
    location: Arc<Location>,
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").finish_non_exhaustive()
    }
}

impl Objects {
    /// Opens the store at a URL. Options come from its query, and from variables of the environment. Nothing is called yet.
    ///
    /// # Errors
    /// [`LocationError`].
    pub fn open(url: &Url, environment: &[(String, String)]) -> Result<Self, LocationError> {
        Ok(Self { location: Arc::new(Location::open(url, environment)?) })
    }

    fn path(&self, key: &ObjectKey) -> Path {
        path(&self.location.prefix, key)
    }

    /// The object at a place in the store; `None` for other things.
    fn object(&self, found: &ObjectMeta) -> Option<ObjectInfo> {
        let parts: Vec<PathPart<'_>> = found.location.prefix_match(&self.location.prefix)?.collect();
        let name: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
        let key = ObjectKey::parse(&name.join("/"))?;
        Some(ObjectInfo { key, size: found.size, modified_at: found.last_modified })
    }

    /// The folders of tenants, in order, from that of a key on. Listing them one by one keeps the order, which a folder does not have.
    async fn tenant_folders(&self, after: Option<&ObjectKey>) -> Result<Vec<Path>, ObjectStoreError> {
        let found = self.location.store.list_with_delimiter(Some(&self.location.prefix)).await;
        let mut folders = found.map_err(|error| failure(&error))?.common_prefixes;
        if let Some(after) = after {
            let first = self.location.prefix.clone().join(after.tenant.to_string());
            folders.retain(|folder| *folder >= first);
        }
        folders.sort();
        Ok(folders)
    }

    /// All of one tenant's folder, in order: a folder lists its files in any order.
    async fn in_folder(&self, folder: &Path, after: Option<&ObjectKey>) -> Result<Vec<ObjectInfo>, ObjectStoreError> {
        let mut found: Vec<ObjectInfo> = Vec::new();
        let mut listed = self.location.store.list(Some(folder));
        while let Some(object) = listed.try_next().await.map_err(|error| failure(&error))? {
            found.extend(self.object(&object).filter(|object| is_after(&object.key, after)));
        }
        found.sort_by_key(|object| object.key.to_string());
        Ok(found)
    }
}

fn is_after(key: &ObjectKey, after: Option<&ObjectKey>) -> bool {
    after.is_none_or(|after| key.to_string() > after.to_string())
}

#[async_trait]
impl ObjectStore for Objects {
    async fn begin(&self, _tenant: TenantId, _size: Option<u64>) -> Result<Box<dyn ObjectWriter>, ObjectStoreError> {
        let Location { store, prefix, folder, .. } = &*self.location;
        folder::check(folder.as_ref()).await?;
        #[expect(clippy::disallowed_methods, reason = "it is no id, and must differ between processes")]
        let name = uuid::Uuid::new_v4().to_string();
        Ok(Box::new(PartWriter {
            store: Arc::clone(store),
            prefix: prefix.clone(),
            folder: folder.clone(),
            unfinished: prefix.clone().join(UNFINISHED).join(name),
            part_size: if folder.is_some() { FOLDER_PART } else { BUCKET_PART },
            buffer: BytesMut::new(),
            upload: None,
        }))
    }

    async fn read(
        &self,
        key: &ObjectKey,
        range: Option<ByteRange>,
    ) -> Result<Option<Box<dyn ByteSource>>, ObjectStoreError> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        match self.location.store.get_opts(&self.path(key), options).await {
            Ok(found) => {
                let size = found.range.end - found.range.start;
                Ok(Some(Box::new(ObjectBytes { size, stream: found.into_stream().boxed() })))
            }
            Err(object_store::Error::NotFound { .. }) => {
                folder::check(self.location.folder.as_ref()).await?;
                Ok(None)
            }
            Err(error) => Err(failure(&error)),
        }
    }

    async fn info(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, ObjectStoreError> {
        match self.location.store.head(&self.path(key)).await {
            Ok(found) => Ok(Some(ObjectInfo { key: *key, size: found.size, modified_at: found.last_modified })),
            Err(object_store::Error::NotFound { .. }) => {
                folder::check(self.location.folder.as_ref()).await?;
                Ok(None)
            }
            Err(error) => Err(failure(&error)),
        }
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), ObjectStoreError> {
        match self.location.store.delete(&self.path(key)).await {
            Ok(()) => Ok(()),
            Err(object_store::Error::NotFound { .. }) => folder::check(self.location.folder.as_ref()).await,
            Err(error) => Err(failure(&error)),
        }
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> Result<Vec<ObjectInfo>, ObjectStoreError> {
        folder::check(self.location.folder.as_ref()).await?;
        let mut found: Vec<ObjectInfo> = Vec::new();
        if self.location.folder.is_some() {
            for folder in self.tenant_folders(after).await? {
                let objects = self.in_folder(&folder, after).await?;
                found.extend(objects.into_iter().filter(|object| object.key.to_string().starts_with(prefix)));
                if found.len() >= limit {
                    break;
                }
            }
            found.truncate(limit);
            return Ok(found);
        }
        let store_prefix = &self.location.prefix;
        let place = prefix.split('/').filter(|part| !part.is_empty()).fold(store_prefix.clone(), Path::join);
        let mut listed = match after {
            Some(after) => self.location.store.list_with_offset(Some(&place), &self.path(after)),
            None => self.location.store.list(Some(&place)),
        };
        while found.len() < limit {
            let Some(object) = listed.try_next().await.map_err(|error| failure(&error))? else { break };
            found.extend(self.object(&object).filter(|object| is_after(&object.key, after)));
        }
        Ok(found)
    }

    async fn sign(
        &self,
        key: &ObjectKey,
        valid_for: Duration,
        headers: &SignedHeaders,
    ) -> Result<Option<String>, ObjectStoreError> {
        let Some(signer) = &self.location.signer else { return Ok(None) };
        let options = SignedUrlOptions::new().with_query([
            ("response-content-type", headers.content_type.as_str()),
            ("response-content-disposition", headers.content_disposition.as_str()),
        ]);
        let get = reqwest::Method::GET;
        match signer.signed_url_opts(get, &self.path(key), valid_for, &options).await {
            Ok(url) => Ok(Some(url.into())),
            Err(object_store::Error::NotSupported { .. }) => Ok(None),
            Err(error) => Err(failure(&error)),
        }
    }

    async fn delete_unfinished(&self, before: DateTime<Utc>) -> Result<usize, ObjectStoreError> {
        let Location { store, prefix, folder, .. } = &*self.location;
        folder::check(folder.as_ref()).await?;
        if let Some(folder) = folder {
            return folder::delete_unfinished(folder, before).await;
        }
        // What was complete, but not renamed yet.
        let mut listed = store.list(Some(&prefix.clone().join(UNFINISHED)));
        let mut deleted = 0;
        while let Some(found) = listed.try_next().await.map_err(|error| failure(&error))? {
            if found.last_modified < before {
                store.delete(&found.location).await.map_err(|error| failure(&error))?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }

    async fn probe(&self) -> Result<(), ObjectStoreError> {
        folder::check(self.location.folder.as_ref()).await?;
        let nothing = self.location.prefix.clone().join("probe");
        match self.location.store.head(&nothing).await {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failure(&error)),
        }
    }
}
