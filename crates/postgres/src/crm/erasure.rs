//! Deletes a contact, and keeps hashes of its identities so that late events do not restore it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use crm::DeletedContact;
use crm::identity::IdentityKey;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::ContactId;
use uuid::Uuid;

use super::identity_keys::{columns, from_columns};
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

/// In every statement `$1` is the tenant, `$2` the contact. The contact is locked before its conversations, as in all other
/// transactions.
const LOCK: &str = "
SELECT id FROM contacts WHERE tenant_id = $1 AND id = $2 FOR UPDATE";

/// Only identities that resolve to the contact: the others belong to another contact now.
const STORE_HASHES: &str = "
INSERT INTO erased_identities AS known (tenant_id, hash, erased_at)
SELECT $1, app.identity_hash($1, kind, scope, value), $3 FROM contact_identities
 WHERE tenant_id = $1 AND contact_id = $2 AND resolves
 ORDER BY 2
    ON CONFLICT (tenant_id, hash) DO UPDATE SET erased_at = greatest(known.erased_at, excluded.erased_at)";

/// Parked rows of its identities, and rows that no foreign key deletes with the contact.
const DELETE_DEPENDENT: [&str; 4] = [
    "DELETE FROM identity_sightings s USING contact_identities i
      WHERE s.tenant_id = $1 AND i.tenant_id = $1 AND i.contact_id = $2 AND i.resolves
        AND ((i.kind = 'bsuid' AND s.scope = i.scope AND s.bsuid = i.value) OR (i.kind = 'phone' AND s.phone = i.value))",
    "DELETE FROM identity_changes c USING identity_change_keys k, contact_identities i
      WHERE c.tenant_id = $1 AND k.tenant_id = $1 AND k.fingerprint = c.fingerprint
        AND i.tenant_id = $1 AND i.contact_id = $2 AND i.resolves
        AND k.kind = i.kind AND k.scope = i.scope AND k.value = i.value",
    "DELETE FROM message_updates u USING messages m
      WHERE u.tenant_id = $1 AND m.tenant_id = $1 AND m.contact_id = $2 AND u.account_id = m.account_id AND u.wamid = m.wamid",
    "DELETE FROM interactions WHERE tenant_id = $1 AND contact_id = $2",
];

const DELETE_MESSAGES: &str = "DELETE FROM messages WHERE tenant_id = $1 AND contact_id = $2";
const DELETE_CONVERSATIONS: &str = "DELETE FROM conversations WHERE tenant_id = $1 AND contact_id = $2";

/// Foreign keys delete its identities, service windows, reactions and redirected ids.
const DELETE_CONTACT: &str = "DELETE FROM contacts WHERE tenant_id = $1 AND id = $2";

const ERASED: &str = "
SELECT keys.kind, keys.scope, keys.value, e.erased_at
  FROM unnest($2, $3, $4) AS keys (kind, scope, value)
  JOIN erased_identities e ON e.tenant_id = $1 AND e.hash = app.identity_hash($1, keys.kind, keys.scope, keys.value)";

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = types::Text)]
    kind: String,
    #[diesel(sql_type = types::Text)]
    scope: String,
    #[diesel(sql_type = types::Text)]
    value: String,
    #[diesel(sql_type = types::Timestamptz)]
    erased_at: DateTime<Utc>,
}

pub(super) async fn erase(
    tx: &mut Tx<Tenant>,
    id: ContactId,
    now: DateTime<Utc>,
) -> Result<DeletedContact, StoreError> {
    let (tenant, contact): (Uuid, Uuid) = (tx.tenant_id(), id.as_uuid());
    let bind = |statement: &'static str| sql(statement).bind::<types::Uuid, _>(tenant).bind::<types::Uuid, _>(contact);
    tx.execute(bind(LOCK)).await?;
    tx.execute(bind(STORE_HASHES).bind::<types::Timestamptz, _>(now)).await?;
    for statement in DELETE_DEPENDENT {
        tx.execute(bind(statement)).await?;
    }
    let messages = tx.execute(bind(DELETE_MESSAGES)).await?;
    let conversations = tx.execute(bind(DELETE_CONVERSATIONS)).await?;
    tx.execute(bind(DELETE_CONTACT)).await?;
    let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
    Ok(DeletedContact { id, conversations: count(conversations), messages: count(messages) })
}

pub(super) async fn erased(
    tx: &mut Tx<Tenant>,
    keys: &[IdentityKey],
) -> Result<HashMap<IdentityKey, DateTime<Utc>>, StoreError> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let tenant = tx.tenant_id();
    let (kinds, scopes, values) = columns(keys);
    let statement = Prepared(
        sql(ERASED)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Texts, _>(kinds)
            .bind::<types::Texts, _>(scopes)
            .bind::<types::Texts, _>(values),
    );
    let rows: Vec<Row> = statement.load(tx.connection()).await.or_store_error()?;
    rows.into_iter().map(|row| Ok((from_columns(&row.kind, row.scope, row.value)?, row.erased_at))).collect()
}
