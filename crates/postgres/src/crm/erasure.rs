//! Deletes a contact, and keeps hashes of its identities so that late events do not restore it.

use chrono::{DateTime, TimeDelta, Utc};
use crm::DeletedContact;
use crm::identity::IdentityKey;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::ContactId;
use uuid::Uuid;

use super::identity_keys::KeyColumns;
use super::{contact_jobs, erased_hashes};
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

/// In every statement `$1` is the tenant, `$2` the contact. The contact is locked before its conversations, as in all other
/// transactions.
const LOCK: &str = "
SELECT id FROM contacts WHERE tenant_id = $1 AND id = $2 FOR UPDATE";

/// Only identities that resolve to the contact: the others belong to another contact now.
const IDENTITIES: &str = "
SELECT kind, scope, value FROM contact_identities WHERE tenant_id = $1 AND contact_id = $2 AND resolves";

const COUNT: &str = "
SELECT (SELECT count(*) FROM conversations WHERE tenant_id = $1 AND contact_id = $2) AS conversations,
       (SELECT count(*) FROM messages WHERE tenant_id = $1 AND contact_id = $2) AS messages";

/// Parked rows of its identities.
const DELETE_PARKED: [&str; 2] = [
    "DELETE FROM identity_sightings s USING contact_identities i
      WHERE s.tenant_id = $1 AND i.tenant_id = $1 AND i.contact_id = $2 AND i.resolves
        AND ((i.kind = 'bsuid' AND s.scope = i.scope AND s.bsuid = i.value) OR (i.kind = 'phone' AND s.phone = i.value))",
    "DELETE FROM identity_changes c USING identity_change_keys k, contact_identities i
      WHERE c.tenant_id = $1 AND k.tenant_id = $1 AND k.fingerprint = c.fingerprint
        AND i.tenant_id = $1 AND i.contact_id = $2 AND i.resolves
        AND k.kind = i.kind AND k.scope = i.scope AND k.value = i.value",
];

/// Updates of messages that are not stored, and statuses of a participant of a group.
const DELETE_UPDATES_NAMING: [&str; 2] = [
    "DELETE FROM message_updates WHERE tenant_id = $1 AND phone = ANY ($2)",
    "DELETE FROM message_updates WHERE tenant_id = $1 AND bsuid = ANY ($2)",
];

/// Responses that are kept for repeated requests. Without its body a response is not repeated, and neither is the request.
const EMPTY_KEPT_RESPONSES: &str = "
UPDATE idempotency_keys SET body = ''
 WHERE tenant_id = $1
   AND EXISTS (SELECT FROM (SELECT $2::text UNION ALL
                            SELECT contact_id::text FROM contact_merges WHERE tenant_id = $1 AND into_id = $2 UNION ALL
                            SELECT unnest($3)) AS named (value)
                WHERE position(named.value IN body) > 0)";

const HIDE: [&str; 2] = [
    "UPDATE contacts
        SET removed_at = $3, updated_at = $3, display_name = '', attributes = '{}', language = NULL
      WHERE tenant_id = $1 AND id = $2",
    "DELETE FROM contact_identities WHERE tenant_id = $1 AND contact_id = $2 AND $3::timestamptz IS NOT NULL",
];

const INSERT_JOB: &str = "
INSERT INTO contact_jobs (tenant_id, contact_id, kind, named, searched_time, searched_event, created_at)
VALUES ($1, $2, 'erasure', $3, $4, $2, $5)";

/// No event was received later than this after its receipt was noted, whatever the clock of the process that stored it.
const MAX_CLOCK_SKEW: TimeDelta = TimeDelta::days(1);

#[derive(diesel::QueryableByName)]
struct Counts {
    #[diesel(sql_type = types::BigInt)]
    conversations: i64,
    #[diesel(sql_type = types::BigInt)]
    messages: i64,
}

/// Hides the contact, forgets its identities, and deletes as many rows as one step of a job may. The job deletes the others.
pub(super) async fn erase(
    tx: &mut Tx<Tenant>,
    id: ContactId,
    now: DateTime<Utc>,
) -> Result<DeletedContact, StoreError> {
    let (tenant, contact): (Uuid, Uuid) = (tx.tenant_id(), id.as_uuid());
    let bind = |statement: &'static str| sql(statement).bind::<types::Uuid, _>(tenant).bind::<types::Uuid, _>(contact);
    tx.execute(bind(LOCK)).await?;
    let counts: Counts = Prepared(bind(COUNT)).get_result(tx.connection()).await.or_store_error()?;
    let rows: Vec<KeyColumns> = Prepared(bind(IDENTITIES)).load(tx.connection()).await.or_store_error()?;
    let keys: Vec<IdentityKey> = rows.into_iter().map(KeyColumns::into_key).collect::<Result<_, _>>()?;
    erased_hashes::store(tx, &keys, now).await?;
    for statement in DELETE_PARKED {
        tx.execute(bind(statement)).await?;
    }
    let named: Vec<String> = keys.iter().flat_map(IdentityKey::values_in_events).collect();
    for statement in DELETE_UPDATES_NAMING {
        tx.execute(sql(statement).bind::<types::Uuid, _>(tenant).bind::<types::Texts, _>(&named)).await?;
    }
    tx.execute(bind(EMPTY_KEPT_RESPONSES).bind::<types::Texts, _>(&named)).await?;
    for statement in HIDE {
        tx.execute(bind(statement).bind::<types::Timestamptz, _>(now)).await?;
    }
    let insert = bind(INSERT_JOB)
        .bind::<types::Texts, _>(named)
        .bind::<types::Timestamptz, _>(now + MAX_CLOCK_SKEW)
        .bind::<types::Timestamptz, _>(now);
    tx.execute(insert).await?;
    contact_jobs::run_first_step(tx, contact).await?;
    let count = |rows: i64| u64::try_from(rows).unwrap_or_default();
    Ok(DeletedContact { id, conversations: count(counts.conversations), messages: count(counts.messages) })
}
