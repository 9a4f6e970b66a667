//! What a folder needs beside `object_store`: it is away when its directory is, and leaves files behind when its process is killed.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use media::ObjectStoreError;

use crate::place::UNFINISHED;

/// # Errors
/// The folder is not there: its disk is not mounted, for example.
pub(crate) async fn check(folder: Option<&PathBuf>) -> Result<(), ObjectStoreError> {
    let Some(folder) = folder.cloned() else { return Ok(()) };
    blocking(move || if folder.is_dir() { Ok(()) } else { Err(away()) }).await
}

/// Deletes what was begun before that time. A file that is being written is younger, as each part of it sets its time.
pub(crate) async fn delete_unfinished(folder: &Path, before: DateTime<Utc>) -> Result<usize, ObjectStoreError> {
    let (folder, before) = (folder.join(UNFINISHED), SystemTime::from(before));
    blocking(move || {
        let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(0) };
        let old = entries.filter_map(Result::ok).filter(|entry| {
            entry.metadata().is_ok_and(|facts| facts.is_file() && facts.modified().is_ok_and(|at| at < before))
        });
        Ok(old.filter(|entry| std::fs::remove_file(entry.path()).is_ok()).count())
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ObjectStoreError> + Send + 'static,
) -> Result<T, ObjectStoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(ObjectStoreError::Unavailable("the thread of the file system ended".to_owned())))
}

fn away() -> ObjectStoreError {
    ObjectStoreError::Unavailable("the folder is not there".to_owned())
}
