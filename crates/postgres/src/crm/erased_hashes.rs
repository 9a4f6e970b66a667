//! Hashes of identities of deleted contacts: HMACs, since there are few enough phone numbers to try them all. Rows of earlier
//! versions are plain SHA-256 hashes of the same text; the HMAC is made of that hash, so that such a row can be keyed although
//! its identity is no longer known.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use crm::ErasureHousekeeping;
use crm::identity::IdentityKey;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::seal::{KeyRing, Tag};
use ring::digest::{SHA256, digest};
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Platform, Tenant, Tx};

const PURPOSE: &str = "parley erased identity v1";

const STORE: &str = "
INSERT INTO erased_identities AS known (tenant_id, hash, key_id, erased_at)
SELECT DISTINCT ON (hash) $1, hash, key_id, $4 FROM unnest($2, $3) AS new (hash, key_id)
 ORDER BY hash
    ON CONFLICT (tenant_id, hash) DO UPDATE SET erased_at = greatest(known.erased_at, excluded.erased_at)";

const FIND: &str = "
SELECT hash, erased_at FROM erased_identities WHERE tenant_id = $1 AND hash = ANY ($2)";

const UNKEYED: &str = "
SELECT tenant_id, hash, erased_at FROM erased_identities
 WHERE key_id IS NULL ORDER BY erased_at LIMIT $1 FOR UPDATE SKIP LOCKED";

const STORE_KEYED: &str = "
INSERT INTO erased_identities AS known (tenant_id, hash, key_id, erased_at)
SELECT DISTINCT ON (tenant_id, hash) * FROM unnest($1, $2, $3, $4) AS new (tenant_id, hash, key_id, erased_at)
 ORDER BY tenant_id, hash, erased_at DESC
    ON CONFLICT (tenant_id, hash) DO UPDATE SET erased_at = greatest(known.erased_at, excluded.erased_at)";

const DELETE_UNKEYED: &str = "
DELETE FROM erased_identities e USING unnest($1, $2) AS keyed (tenant_id, hash)
 WHERE e.tenant_id = keyed.tenant_id AND e.hash = keyed.hash AND e.key_id IS NULL";

const PURGE: &str = "
DELETE FROM erased_identities
 WHERE (tenant_id, hash) IN (SELECT tenant_id, hash FROM erased_identities
                              WHERE erased_at < $1 ORDER BY erased_at LIMIT $2 FOR UPDATE SKIP LOCKED)";

#[derive(diesel::QueryableByName)]
struct Found {
    #[diesel(sql_type = types::Binary)]
    hash: Vec<u8>,
    #[diesel(sql_type = types::Timestamptz)]
    erased_at: DateTime<Utc>,
}

#[derive(diesel::QueryableByName)]
struct Unkeyed {
    #[diesel(sql_type = types::Uuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = types::Binary)]
    hash: Vec<u8>,
    #[diesel(sql_type = types::Timestamptz)]
    erased_at: DateTime<Utc>,
}

/// The hash that earlier versions stored: that of `app.identity_hash`.
fn plain_hash(tenant: Uuid, key: &IdentityKey) -> Vec<u8> {
    let text = format!("{tenant}|{}|{}|{}", key.kind.into_str(), key.scope, key.value);
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}

fn keyed(key_ring: &KeyRing, plain: &[u8]) -> Result<Tag, StoreError> {
    key_ring.tag(PURPOSE, plain).map_err(|error| StoreError::Other(Box::new(error)))
}

pub(super) async fn store(tx: &mut Tx<Tenant>, keys: &[IdentityKey], now: DateTime<Utc>) -> Result<(), StoreError> {
    let tenant = tx.tenant_id();
    let tags: Vec<Tag> =
        keys.iter().map(|key| keyed(tx.key_ring(), &plain_hash(tenant, key))).collect::<Result<_, _>>()?;
    let statement = sql(STORE)
        .bind::<types::Uuid, _>(tenant)
        .bind::<types::Binaries, _>(tags.iter().map(|tag| tag.bytes.as_slice()).collect::<Vec<_>>())
        .bind::<types::Texts, _>(tags.iter().map(|tag| tag.key_id.as_str()).collect::<Vec<_>>())
        .bind::<types::Timestamptz, _>(now);
    tx.execute(statement).await?;
    Ok(())
}

/// Those of the keys that were erased, and the latest time of it. Compares with hashes of each configured key, and with plain ones.
pub(super) async fn find(
    tx: &mut Tx<Tenant>,
    keys: &[IdentityKey],
) -> Result<HashMap<IdentityKey, DateTime<Utc>>, StoreError> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let tenant = tx.tenant_id();
    let hmac_keys = tx.key_ring().purpose_keys(PURPOSE);
    let mut of_hash: HashMap<Vec<u8>, &IdentityKey> = HashMap::new();
    for key in keys {
        let plain = plain_hash(tenant, key);
        of_hash.extend(hmac_keys.tags(&plain).map(|tag| (tag.bytes, key)));
        of_hash.insert(plain, key);
    }
    let hashes: Vec<&[u8]> = of_hash.keys().map(Vec::as_slice).collect();
    let statement = sql(FIND).bind::<types::Uuid, _>(tenant).bind::<types::Binaries, _>(hashes);
    let rows: Vec<Found> = Prepared(statement).load(tx.connection()).await.or_store_error()?;
    let mut erased: HashMap<IdentityKey, DateTime<Utc>> = HashMap::new();
    for Found { hash, erased_at } in rows {
        if let Some(key) = of_hash.get(&hash) {
            let latest = erased.entry((*key).clone()).or_insert(erased_at);
            *latest = erased_at.max(*latest);
        }
    }
    Ok(erased)
}

#[async_trait]
impl ErasureHousekeeping for Tx<Platform> {
    async fn key_hashes(&mut self, limit: i64) -> Result<usize, StoreError> {
        let unkeyed: Vec<Unkeyed> =
            Prepared(sql(UNKEYED).bind::<types::BigInt, _>(limit)).load(self.connection()).await.or_store_error()?;
        if unkeyed.is_empty() {
            return Ok(0);
        }
        let tags: Vec<Tag> = unkeyed.iter().map(|row| keyed(self.key_ring(), &row.hash)).collect::<Result<_, _>>()?;
        let tenants: Vec<Uuid> = unkeyed.iter().map(|row| row.tenant_id).collect();
        let store = sql(STORE_KEYED)
            .bind::<types::Uuids, _>(&tenants)
            .bind::<types::Binaries, _>(tags.iter().map(|tag| tag.bytes.as_slice()).collect::<Vec<_>>())
            .bind::<types::Texts, _>(tags.iter().map(|tag| tag.key_id.as_str()).collect::<Vec<_>>())
            .bind::<types::Times, _>(unkeyed.iter().map(|row| row.erased_at).collect::<Vec<_>>());
        self.execute(store).await?;
        let delete = sql(DELETE_UNKEYED)
            .bind::<types::Uuids, _>(tenants)
            .bind::<types::Binaries, _>(unkeyed.iter().map(|row| row.hash.as_slice()).collect::<Vec<_>>());
        self.execute(delete).await?;
        Ok(unkeyed.len())
    }

    async fn purge_hashes(&mut self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let statement = sql(PURGE).bind::<types::Timestamptz, _>(before).bind::<types::BigInt, _>(limit);
        self.execute(statement).await
    }
}
