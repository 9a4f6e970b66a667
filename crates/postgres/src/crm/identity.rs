//! Identities of contacts: each operation is a statement over arrays.

mod sightings;

use std::collections::{BTreeMap, HashMap, HashSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use crm::identity::{IdentityChange, IdentityKey, IdentityRecord, Merge, NewContact, Person, StoredIdentities};
use crm::inbox::{IdentityRepo, Lock};
use diesel::QueryableByName;
use diesel_async::RunQueryDsl;
use kernel::ids::ContactId;
use kernel::{Arrival, StoreError};
use uuid::Uuid;

use super::erased_hashes;
use super::identity_keys::{KeyColumns, columns};
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

/// Each tenant has [`LOCKS`] numbers, whatever the size of a batch: the places for locks that all transactions share are few. A
/// lock's number is a hash: two keys may share one and then wait for each other without need. All callers take them in order.
const LOCK: &str = "
WITH numbers AS MATERIALIZED (
  SELECT DISTINCT hashtextextended(
           $2::text || '|' || (hashtextextended(name, 0) & ($3::bigint - 1))::text, 2) AS number
    FROM unnest($1) AS locks (name)
   ORDER BY number
)
SELECT pg_advisory_xact_lock(number) FROM numbers";

/// A power of two. Eight tenants whose batches use all of theirs take a third of the places of a server with Postgres' defaults
/// (64 for each of 100 connections).
const LOCKS: i64 = 256;

/// Shared for recording; exclusive for merging or deleting contacts. The seed 1 keeps it apart from the locks of people.
const LOCK_RECORDING_SHARED: &str = "SELECT pg_advisory_xact_lock_shared(hashtextextended($1::text, 1))";
const LOCK_RECORDING_EXCLUSIVE: &str = "SELECT pg_advisory_xact_lock(hashtextextended($1::text, 1))";

const STORED_IDENTITIES: &str = "
WITH found AS (
  SELECT DISTINCT i.contact_id FROM contact_identities i
    JOIN unnest($2, $3, $4) AS keys (kind, scope, value)
      ON keys.kind = i.kind AND keys.scope = i.scope AND keys.value = i.value
   WHERE i.tenant_id = $1 AND i.resolves
)
SELECT i.kind, i.scope, i.value, i.contact_id, i.resolves, i.current, i.since, i.affirmed_at, i.superseded_at,
       c.display_name = '' AS unnamed
  FROM found f
  JOIN contact_identities i ON i.tenant_id = $1 AND i.contact_id = f.contact_id
  JOIN contacts c ON c.tenant_id = $1 AND c.id = f.contact_id";

const KEYS_OF_CONTACTS: &str = "
SELECT contact_id, kind, scope, value FROM contact_identities
 WHERE tenant_id = $1 AND contact_id = ANY ($2) AND resolves AND current AND kind IN ('bsuid', 'phone')
 ORDER BY contact_id, kind, since, scope, value";

const STORED_CHANGES: &str = "
SELECT c.fingerprint, c.text, c.changed_at, c.arrival, k.side, k.kind, k.scope, k.value
  FROM identity_changes c
  JOIN identity_change_keys k ON k.tenant_id = c.tenant_id AND k.fingerprint = c.fingerprint
 WHERE c.tenant_id = $1 AND NOT c.settled
   AND c.fingerprint IN (
     SELECT k.fingerprint FROM identity_change_keys k
       JOIN unnest($2, $3, $4) AS keys (kind, scope, value)
         ON keys.kind = k.kind AND keys.scope = k.scope AND keys.value = k.value
      WHERE k.tenant_id = $1)";

const STORE_CHANGES: &str = "
INSERT INTO identity_changes (tenant_id, fingerprint, text, changed_at, arrival, created_at)
SELECT $1, fingerprint, text, changed_at, arrival, $2
  FROM unnest($3, $4, $5, $6) AS new (fingerprint, text, changed_at, arrival)
 ORDER BY fingerprint, arrival
    ON CONFLICT (tenant_id, fingerprint) DO NOTHING";

const STORE_CHANGE_KEYS: &str = "
INSERT INTO identity_change_keys (tenant_id, fingerprint, side, kind, scope, value)
SELECT $1, new.* FROM unnest($2, $3, $4, $5, $6) AS new
    ON CONFLICT DO NOTHING";

const MARK_CHANGES_APPLIED: &str = "
UPDATE identity_changes SET settled = true WHERE tenant_id = $1 AND fingerprint = ANY ($2)";

const STORE_IDENTITIES: &str = "
INSERT INTO contact_identities
  (tenant_id, created_at, kind, scope, value, contact_id, resolves, current, since, affirmed_at, superseded_at)
SELECT $1, $2, new.* FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11) AS new
    ON CONFLICT (tenant_id, kind, scope, value, contact_id) DO UPDATE
   SET resolves = excluded.resolves, current = excluded.current, since = excluded.since,
       affirmed_at = excluded.affirmed_at, superseded_at = excluded.superseded_at";

const FLAG_FOR_REVIEW: &str = "
UPDATE contacts SET needs_review = true, updated_at = $3 WHERE tenant_id = $1 AND id = ANY ($2) AND NOT needs_review";

const CLEAR_REVIEW: &str = "
UPDATE contacts SET needs_review = false, updated_at = $3 WHERE tenant_id = $1 AND id = ANY ($2) AND needs_review";

const NAME_UNNAMED_CONTACTS: &str = "
UPDATE contacts c SET display_name = new.display_name, updated_at = $4
  FROM unnest($2, $3) AS new (id, display_name)
 WHERE c.tenant_id = $1 AND c.id = new.id AND c.display_name = ''";

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = types::Uuid)]
    contact_id: Uuid,
    #[diesel(embed)]
    key: KeyColumns,
}

#[derive(QueryableByName)]
struct IdentityRow {
    #[diesel(embed)]
    key: KeyColumns,
    #[diesel(sql_type = types::Uuid)]
    contact_id: Uuid,
    #[diesel(sql_type = types::Bool)]
    resolves: bool,
    #[diesel(sql_type = types::Bool)]
    current: bool,
    #[diesel(sql_type = types::Timestamptz)]
    since: DateTime<Utc>,
    #[diesel(sql_type = diesel::sql_types::Nullable<types::Timestamptz>)]
    affirmed_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = diesel::sql_types::Nullable<types::Timestamptz>)]
    superseded_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = types::Bool)]
    unnamed: bool,
}

#[derive(QueryableByName)]
struct ChangeRow {
    #[diesel(sql_type = types::Text)]
    fingerprint: String,
    #[diesel(sql_type = types::Text)]
    text: String,
    #[diesel(sql_type = types::Timestamptz)]
    changed_at: DateTime<Utc>,
    #[diesel(sql_type = types::BigInt)]
    arrival: i64,
    #[diesel(sql_type = types::Text)]
    side: String,
    #[diesel(embed)]
    key: KeyColumns,
}

#[async_trait]
impl IdentityRepo for Tx<Tenant> {
    async fn lock_recording_shared(&mut self) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        self.execute(sql(LOCK_RECORDING_SHARED).bind::<types::Uuid, _>(tenant)).await?;
        Ok(())
    }

    async fn lock_recording_exclusive(&mut self) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        self.execute(sql(LOCK_RECORDING_EXCLUSIVE).bind::<types::Uuid, _>(tenant)).await?;
        Ok(())
    }

    async fn erased(&mut self, keys: &[IdentityKey]) -> Result<HashMap<IdentityKey, DateTime<Utc>>, StoreError> {
        erased_hashes::find(self, keys).await
    }

    async fn lock(&mut self, locks: &[Lock]) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        let names: Vec<String> = locks
            .iter()
            .map(|lock| match lock {
                Lock::Person(IdentityKey { kind, scope, value }) => {
                    format!("{tenant}|{}|{scope}|{value}", kind.into_str())
                }
                Lock::Message(account, wamid) => format!("{tenant}|message|{account}|{wamid}"),
            })
            .collect();
        let statement =
            sql(LOCK).bind::<types::Texts, _>(names).bind::<types::Uuid, _>(tenant).bind::<types::BigInt, _>(LOCKS);
        self.execute(statement).await?;
        Ok(())
    }

    async fn stored_identities(&mut self, keys: &[IdentityKey]) -> Result<StoredIdentities, StoreError> {
        if keys.is_empty() {
            return Ok(StoredIdentities::default());
        }
        let tenant = self.tenant_id();
        let (kinds, scopes, values) = columns(keys);
        let bind = |statement: &'static str| {
            Prepared(
                sql(statement)
                    .bind::<types::Uuid, _>(tenant)
                    .bind::<types::Texts, _>(kinds.clone())
                    .bind::<types::Texts, _>(scopes.clone())
                    .bind::<types::Texts, _>(values.clone()),
            )
        };
        let identities: Vec<IdentityRow> = bind(STORED_IDENTITIES).load(self.connection()).await.or_store_error()?;
        let changes: Vec<ChangeRow> = bind(STORED_CHANGES).load(self.connection()).await.or_store_error()?;
        let unnamed: HashSet<_> =
            identities.iter().filter(|row| row.unnamed).map(|row| ContactId::from_uuid(row.contact_id)).collect();
        Ok(StoredIdentities {
            identities: identities.into_iter().map(IdentityRow::into_record).collect::<Result<_, _>>()?,
            changes: into_changes(changes)?,
            sightings: sightings::load(self, keys).await?,
            unnamed,
        })
    }

    async fn keys_of_contacts(
        &mut self,
        contacts: &[ContactId],
    ) -> Result<HashMap<ContactId, Vec<IdentityKey>>, StoreError> {
        let statement = sql(KEYS_OF_CONTACTS)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuids, _>(contacts.iter().map(|contact| contact.as_uuid()).collect::<Vec<_>>());
        let rows: Vec<KeyRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        let mut keys: HashMap<ContactId, Vec<IdentityKey>> = HashMap::new();
        for row in rows {
            keys.entry(ContactId::from_uuid(row.contact_id)).or_default().push(row.key.into_key()?);
        }
        Ok(keys)
    }

    async fn store_changes(&mut self, changes: &[IdentityChange], now: DateTime<Utc>) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        // A batch may contain the same change twice.
        let distinct: BTreeMap<String, &IdentityChange> =
            changes.iter().rev().map(|change| (change.fingerprint(), change)).collect();
        let statement = sql(STORE_CHANGES)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Timestamptz, _>(now)
            .bind::<types::Texts, _>(distinct.keys().collect::<Vec<_>>())
            .bind::<types::Texts, _>(distinct.values().map(|change| change.text.as_str()).collect::<Vec<_>>())
            .bind::<types::Times, _>(distinct.values().map(|change| change.changed_at).collect::<Vec<_>>())
            .bind::<types::BigInts, _>(distinct.values().map(|change| change.arrival.get()).collect::<Vec<_>>());
        self.execute(statement).await?;

        let of = |(fingerprint, change): (&'_ String, &'_ &IdentityChange)| {
            let sides = [("before", change.before.clone()), ("after", change.after.clone())];
            let fingerprint = fingerprint.clone();
            sides.into_iter().flat_map(move |(side, keys)| {
                let fingerprint = fingerprint.clone();
                keys.into_iter().map(move |key| (fingerprint.clone(), side, key))
            })
        };
        let rows: Vec<(String, &str, IdentityKey)> = distinct.iter().flat_map(of).collect();
        let (kinds, scopes, values) = columns(rows.iter().map(|(_, _, key)| key));
        let statement = sql(STORE_CHANGE_KEYS)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Texts, _>(rows.iter().map(|(fingerprint, ..)| fingerprint.as_str()).collect::<Vec<_>>())
            .bind::<types::Texts, _>(rows.iter().map(|(_, side, _)| *side).collect::<Vec<_>>())
            .bind::<types::Texts, _>(kinds)
            .bind::<types::Texts, _>(scopes)
            .bind::<types::Texts, _>(values);
        self.execute(statement).await?;
        Ok(())
    }

    async fn store_sightings(&mut self, sightings: &[Person], now: DateTime<Utc>) -> Result<(), StoreError> {
        sightings::store(self, sightings, now).await
    }

    async fn delete_sightings(&mut self, sightings: &[Person]) -> Result<(), StoreError> {
        sightings::delete(self, sightings).await
    }

    async fn mark_changes_applied(&mut self, changes: &[IdentityChange]) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        let fingerprints: Vec<String> = changes.iter().map(IdentityChange::fingerprint).collect();
        let statement = sql(MARK_CHANGES_APPLIED).bind::<types::Uuid, _>(tenant).bind::<types::Texts, _>(fingerprints);
        self.execute(statement).await?;
        Ok(())
    }

    async fn insert_contacts(&mut self, contacts: &[NewContact], now: DateTime<Utc>) -> Result<(), StoreError> {
        super::contact::insert_contacts(self, contacts, now).await
    }

    async fn merge_contacts(&mut self, merges: &[Merge], now: DateTime<Utc>) -> Result<(), StoreError> {
        for merge in merges {
            super::merge::merge(self, *merge, now).await?;
        }
        Ok(())
    }

    async fn store_identities(&mut self, records: &[IdentityRecord], now: DateTime<Utc>) -> Result<(), StoreError> {
        fn column<'r, T>(records: &'r [IdentityRecord], read: impl Fn(&'r IdentityRecord) -> T) -> Vec<T> {
            records.iter().map(read).collect()
        }
        let tenant = self.tenant_id();
        let (kinds, scopes, values) = columns(records.iter().map(|record| &record.key));
        let statement = sql(STORE_IDENTITIES)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Timestamptz, _>(now)
            .bind::<types::Texts, _>(kinds)
            .bind::<types::Texts, _>(scopes)
            .bind::<types::Texts, _>(values)
            .bind::<types::Uuids, _>(column(records, |record| record.contact.as_uuid()))
            .bind::<types::Bools, _>(column(records, |record| record.resolves))
            .bind::<types::Bools, _>(column(records, |record| record.current))
            .bind::<types::Times, _>(column(records, |record| record.since))
            .bind::<types::MaybeTimes, _>(column(records, |record| record.affirmed_at))
            .bind::<types::MaybeTimes, _>(column(records, |record| record.superseded_at));
        self.execute(statement).await?;
        Ok(())
    }

    async fn clear_review(&mut self, contacts: &[ContactId], now: DateTime<Utc>) -> Result<(), StoreError> {
        let statement = sql(CLEAR_REVIEW)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuids, _>(contacts.iter().map(|contact| contact.as_uuid()).collect::<Vec<_>>())
            .bind::<types::Timestamptz, _>(now);
        self.execute(statement).await?;
        Ok(())
    }

    async fn flag_for_review(&mut self, contacts: &[ContactId], now: DateTime<Utc>) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        let statement = sql(FLAG_FOR_REVIEW)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Uuids, _>(contacts.iter().map(|contact| contact.as_uuid()).collect::<Vec<_>>())
            .bind::<types::Timestamptz, _>(now);
        self.execute(statement).await?;
        Ok(())
    }

    async fn name_unnamed_contacts(
        &mut self,
        names: &[(ContactId, String)],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        let statement = sql(NAME_UNNAMED_CONTACTS)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Uuids, _>(names.iter().map(|(contact, _)| contact.as_uuid()).collect::<Vec<_>>())
            .bind::<types::Texts, _>(names.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>())
            .bind::<types::Timestamptz, _>(now);
        self.execute(statement).await?;
        Ok(())
    }
}

impl IdentityRow {
    fn into_record(self) -> Result<IdentityRecord, StoreError> {
        Ok(IdentityRecord {
            key: self.key.into_key()?,
            contact: ContactId::from_uuid(self.contact_id),
            resolves: self.resolves,
            current: self.current,
            since: self.since,
            affirmed_at: self.affirmed_at,
            superseded_at: self.superseded_at,
        })
    }
}

/// Groups rows of keys by their change.
fn into_changes(rows: Vec<ChangeRow>) -> Result<Vec<IdentityChange>, StoreError> {
    let mut changes: BTreeMap<String, IdentityChange> = BTreeMap::new();
    for row in rows {
        let key = row.key.into_key()?;
        let change = changes.entry(row.fingerprint).or_insert_with(|| IdentityChange {
            before: Vec::new(),
            after: Vec::new(),
            text: row.text,
            changed_at: row.changed_at,
            arrival: Arrival::new(row.arrival),
        });
        if row.side == "before" { &mut change.before } else { &mut change.after }.push(key);
    }
    Ok(changes.into_values().collect())
}
