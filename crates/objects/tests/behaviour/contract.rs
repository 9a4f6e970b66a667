//! What holds for each store.

use std::time::Duration;

use bytes::Bytes;
use kernel::ids::TenantId;
use media::{ByteSource, ObjectKey, ObjectStore, Sha256};
use objects::Objects;

/// More than one part of a bucket.
const LARGE: usize = 12 * 1024 * 1024 + 7;

pub(crate) fn key(tenant: u128, bytes: &[u8]) -> ObjectKey {
    ObjectKey::whole(self::tenant(tenant), Sha256::of(bytes))
}

pub(crate) fn tenant(number: u128) -> TenantId {
    TenantId::from_uuid(uuid::Uuid::from_u128(number))
}

pub(crate) async fn write(store: &Objects, key: &ObjectKey, bytes: &Bytes) {
    let mut writer = store.begin(key.tenant, None).await.unwrap();
    for piece in bytes.chunks(100_000) {
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    writer.finish(key).await.unwrap();
}

pub(crate) async fn all(mut source: Box<dyn ByteSource>) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(piece) = source.next().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    bytes
}

fn large() -> Bytes {
    (0..LARGE).map(|index| u8::try_from(index % 251).unwrap()).collect()
}

/// Objects are read as they were written, whole and in ranges, also when they are written twice.
pub(crate) async fn objects_are_read_back(store: &Objects) {
    for bytes in [Bytes::from_static(b"small"), Bytes::new(), large()] {
        let key = key(1, &bytes);
        assert_eq!(store.info(&key).await.unwrap(), None);
        assert!(store.read(&key, None).await.unwrap().is_none());
        write(store, &key, &bytes).await;
        write(store, &key, &bytes).await;
        assert_eq!(store.info(&key).await.unwrap().unwrap().size, bytes.len() as u64);
        let found = store.read(&key, None).await.unwrap().unwrap();
        assert_eq!(found.size(), Some(bytes.len() as u64));
        assert!(all(found).await == bytes);
    }
    let bytes = large();
    let part = store.read(&key(1, &bytes), Some(5..6_000_000)).await.unwrap().unwrap();
    assert_eq!(part.size(), Some(5_999_995));
    assert!(all(part).await == bytes[5..6_000_000]);
    let key = key(1, &bytes);
    store.delete(&key).await.unwrap();
    store.delete(&key).await.unwrap();
    assert_eq!(store.info(&key).await.unwrap(), None);
}

/// Nothing is visible of what was not finished.
pub(crate) async fn unfinished_objects_are_invisible(store: &Objects) {
    let bytes = large();
    let mut aborted = store.begin(tenant(1), None).await.unwrap();
    aborted.write(bytes.clone()).await.unwrap();
    let mut dropped = store.begin(tenant(1), None).await.unwrap();
    dropped.write(bytes.clone()).await.unwrap();
    assert_eq!(store.list("", None, 10).await.unwrap(), []);
    aborted.abort().await;
    drop(dropped);
    assert_eq!(store.info(&key(1, &bytes)).await.unwrap(), None);
}

/// Objects are listed page by page, in order, and other things are left out.
pub(crate) async fn objects_are_listed_in_order(store: &Objects) {
    let mut keys: Vec<ObjectKey> = (1..=3).flat_map(|tenant| (0..4_u8).map(move |byte| key(tenant, &[byte]))).collect();
    keys.push(ObjectKey::thumbnail(tenant(2), Sha256::of(&[0])));
    keys.sort_by_key(ToString::to_string);
    for key in &keys {
        write(store, key, &Bytes::from_static(b"x")).await;
    }
    let mut found: Vec<ObjectKey> = Vec::new();
    loop {
        let page = store.list("", found.last(), 5).await.unwrap();
        assert!(page.len() <= 5);
        if page.is_empty() {
            break;
        }
        found.extend(page.iter().map(|object| object.key));
    }
    assert_eq!(found, keys);
    let own = store.list(&ObjectKey::prefix(tenant(2)), None, 100).await.unwrap();
    assert!(own.len() == 5 && own.iter().all(|object| object.key.tenant == tenant(2)));
}

/// Addresses are signed only if that was asked for.
pub(crate) async fn address(store: &Objects, key: &ObjectKey) -> Option<String> {
    let headers = media::SignedHeaders {
        content_type: "image/png".to_owned(),
        content_disposition: "attachment; filename=\"a.png\"".to_owned(),
    };
    store.sign(key, Duration::from_mins(5), &headers).await.unwrap()
}
