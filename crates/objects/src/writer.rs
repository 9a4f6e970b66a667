use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use media::{ObjectKey, ObjectStoreError, ObjectWriter};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt as _, PutPayload};

use crate::failure::failure;
use crate::{folder, place};

/// Writes an object of which only the end says the name. Up to one part is put at once; more goes to a name of its own first.
pub(crate) struct PartWriter {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) prefix: Path,
    pub(crate) folder: Option<PathBuf>,
    /// Where the parts go until the name is known.
    pub(crate) unfinished: Path,
    pub(crate) part_size: usize,
    pub(crate) buffer: BytesMut,
    pub(crate) upload: Option<Upload>,
}

/// An upload in parts, which is aborted when it is dropped.
pub(crate) struct Upload(Option<Box<dyn MultipartUpload>>);

impl Drop for Upload {
    fn drop(&mut self) {
        let (Some(mut upload), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) else { return };
        runtime.spawn(async move {
            // What stays is deleted later: `ObjectStore::delete_unfinished`, or a rule of the bucket.
            let _aborted = upload.abort().await;
        });
    }
}

impl PartWriter {
    async fn put_part(&mut self, part: Bytes) -> Result<(), ObjectStoreError> {
        let upload = match &mut self.upload {
            Some(upload) => upload,
            none => {
                folder::check(self.folder.as_ref()).await?;
                let upload = self.store.put_multipart(&self.unfinished).await.map_err(|error| failure(&error))?;
                none.insert(Upload(Some(upload)))
            }
        };
        let Some(upload) = upload.0.as_mut() else { return Err(ended()) };
        // One after the other, so that only one is in memory.
        upload.put_part(PutPayload::from(part)).await.map_err(|error| failure(&error))
    }
}

#[async_trait]
impl ObjectWriter for PartWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<(), ObjectStoreError> {
        let mut bytes = bytes;
        while !bytes.is_empty() {
            let missing = self.part_size - self.buffer.len();
            self.buffer.extend_from_slice(&bytes.split_to(missing.min(bytes.len())));
            if self.buffer.len() == self.part_size {
                let part = self.buffer.split().freeze();
                self.put_part(part).await?;
            }
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>, key: &ObjectKey) -> Result<(), ObjectStoreError> {
        folder::check(self.folder.as_ref()).await?;
        let path = place::path(&self.prefix, key);
        let rest = self.buffer.split().freeze();
        if self.upload.is_none() {
            let put = self.store.put(&path, PutPayload::from(rest)).await;
            return put.map(drop).map_err(|error| failure(&error));
        }
        if !rest.is_empty() {
            self.put_part(rest).await?;
        }
        let Some(mut upload) = self.upload.take().and_then(|mut upload| upload.0.take()) else { return Err(ended()) };
        upload.complete().await.map_err(|error| failure(&error))?;
        self.store.rename(&self.unfinished, &path).await.map_err(|error| failure(&error))
    }

    async fn abort(mut self: Box<Self>) {
        if let Some(mut upload) = self.upload.take().and_then(|mut upload| upload.0.take()) {
            // As above: what stays is deleted later.
            let _aborted = upload.abort().await;
        }
    }
}

fn ended() -> ObjectStoreError {
    ObjectStoreError::Unavailable("the upload has ended".to_owned())
}
