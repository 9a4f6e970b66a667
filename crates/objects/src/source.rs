use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use media::{ByteSource, SourceError};

use crate::failure::describe;

/// The bytes of an object, as they come from the store.
pub(crate) struct ObjectBytes {
    pub(crate) size: u64,
    pub(crate) stream: BoxStream<'static, object_store::Result<Bytes>>,
}

#[async_trait]
impl ByteSource for ObjectBytes {
    fn size(&self) -> Option<u64> {
        Some(self.size)
    }

    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        self.stream.next().await.transpose().map_err(|error| SourceError(describe(&error)))
    }
}
