use bytes::Bytes;
use chrono::{DateTime, Utc};
use media::{ObjectStore as _, ObjectStoreError};
use objects::Objects;
use tempfile::TempDir;
use url::Url;

use crate::contract;

fn store() -> (TempDir, Objects) {
    let folder = tempfile::tempdir().unwrap();
    let store = Objects::open(&Url::from_directory_path(folder.path()).unwrap(), &[]).unwrap();
    (folder, store)
}

#[tokio::test]
async fn folder_keeps_the_contract() {
    contract::objects_are_read_back(&store().1).await;
    contract::unfinished_objects_are_invisible(&store().1).await;
    contract::objects_are_listed_in_order(&store().1).await;
}

#[tokio::test]
async fn folder_signs_no_address() {
    let (_folder, store) = store();
    assert_eq!(contract::address(&store, &contract::key(1, b"a")).await, None);
}

#[tokio::test]
async fn folder_that_is_away_is_not_made_again() {
    let (folder, store) = store();
    let (key, bytes) = (contract::key(1, b"a"), Bytes::from_static(b"a"));
    contract::write(&store, &key, &bytes).await;
    let mut begun = store.begin(key.tenant, None).await.unwrap();
    let elsewhere = folder.path().with_extension("away");
    std::fs::rename(folder.path(), &elsewhere).unwrap();
    let away = |error| matches!(error, ObjectStoreError::Unavailable(_));
    assert!(store.probe().await.is_err_and(away));
    assert!(store.begin(key.tenant, None).await.is_err_and(away));
    assert!(store.info(&key).await.is_err_and(away));
    assert!(store.read(&key, None).await.is_err_and(away));
    assert!(store.list("", None, 1).await.is_err_and(away));
    begun.write(bytes.clone()).await.unwrap();
    assert!(begun.finish(&key).await.is_err_and(away));
    assert!(!folder.path().exists());
    std::fs::rename(&elsewhere, folder.path()).unwrap();
    store.probe().await.unwrap();
    assert_eq!(contract::all(store.read(&key, None).await.unwrap().unwrap()).await, b"a");
}

#[tokio::test]
async fn what_a_killed_process_left_is_deleted() {
    let (folder, store) = store();
    let mut writer = store.begin(contract::tenant(1), None).await.unwrap();
    writer.write(vec![7; 1_000_000].into()).await.unwrap();
    // As a process that is killed: nothing is cleaned up.
    std::mem::forget(writer);
    let files = || std::fs::read_dir(folder.path().join("unfinished")).unwrap().count();
    assert_eq!(files(), 1);
    assert_eq!(store.delete_unfinished(DateTime::<Utc>::UNIX_EPOCH).await.unwrap(), 0);
    assert_eq!(store.delete_unfinished("3000-01-01T00:00:00Z".parse().unwrap()).await.unwrap(), 1);
    assert_eq!(files(), 0);
}
