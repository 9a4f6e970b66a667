#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

mod shrink;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use media::{Thumbnail, ThumbnailError, Thumbnailer};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long a picture waits for others.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Makes thumbnails, one at a time. Clones share their turn.
#[derive(Clone, Debug)]
pub struct Thumbnails {
    turn: Arc<Semaphore>,
}

impl Default for Thumbnails {
    fn default() -> Self {
        Self { turn: Arc::new(Semaphore::new(1)) }
    }
}

#[async_trait]
impl Thumbnailer for Thumbnails {
    async fn thumbnail(&self, picture: Bytes) -> Result<Thumbnail, ThumbnailError> {
        let turn = timeout(MAX_WAIT, Arc::clone(&self.turn).acquire_owned()).await;
        let turn = turn.map_err(|_| ThumbnailError::Busy)?.map_err(|_| ThumbnailError::Busy)?;
        let made = spawn_blocking(move || {
            let made = shrink::shrink(&picture);
            // Also if the client is gone: the memory is in use until here.
            drop(turn);
            made
        });
        // The decoder panicked.
        made.await.unwrap_or(Err(ThumbnailError::NoPicture))
    }
}

#[cfg(test)]
mod tests;
