use chrono::{DateTime, Utc};
use crm::inbox::{ConversationUpdate, MISSED_CALL, OpenConversation};
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::{AccountId, ContactId, ConversationId};
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::sql::{Id, Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

const OPEN: &str = "
INSERT INTO conversations (tenant_id, id, account_id, contact_id, last_message_at, created_at)
SELECT $1, id, account_id, contact_id, $5, $5 FROM unnest($2, $3, $4) AS new (id, account_id, contact_id)
    ON CONFLICT (tenant_id, account_id, contact_id) WHERE status <> 'closed' DO NOTHING";

/// Locked, so that it is not closed while a message is added.
const FIND_OPEN: &str = "
SELECT c.id, c.account_id, c.contact_id FROM conversations c
  JOIN unnest($2, $3) AS wanted (account_id, contact_id)
    ON wanted.account_id = c.account_id AND wanted.contact_id = c.contact_id
 WHERE c.tenant_id = $1 AND c.status <> 'closed'
 ORDER BY c.id
   FOR NO KEY UPDATE OF c";

const IMPORT: &str = "
INSERT INTO conversations (tenant_id, id, account_id, contact_id, status, imported, last_message_at, created_at)
SELECT $1, id, account_id, contact_id, 'closed', true, $5, $5 FROM unnest($2, $3, $4) AS new (id, account_id, contact_id)
    ON CONFLICT (tenant_id, account_id, contact_id) WHERE imported DO NOTHING";

/// Locked, so that it is not deleted while a message is added.
const FIND_IMPORTED: &str = "
SELECT c.id, c.account_id, c.contact_id FROM conversations c
  JOIN unnest($2, $3) AS wanted (account_id, contact_id)
    ON wanted.account_id = c.account_id AND wanted.contact_id = c.contact_id
 WHERE c.tenant_id = $1 AND c.imported
 ORDER BY c.id
   FOR NO KEY UPDATE OF c";

/// A user may have opened it again and not be done with it.
const DELETE_EMPTY_IMPORTED: &str = "
DELETE FROM conversations c
 WHERE c.tenant_id = $1 AND c.id = ANY ($2) AND c.imported AND c.status = 'closed'
   AND NOT EXISTS (SELECT FROM messages m WHERE m.tenant_id = $1 AND m.conversation_id = c.id)
RETURNING c.id";

/// Locked before the update: the next statement then sees what other transactions have committed.
const LOCK: &str = "
SELECT id FROM conversations WHERE tenant_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE";

/// Service windows belong to the account and the contact, and remain when the conversation is closed.
const STORE_SERVICE_WINDOWS: &str = "
INSERT INTO service_windows AS known (tenant_id, account_id, contact_id, ends_at)
SELECT $1, c.account_id, c.contact_id, max(changed.window_ends_at)
  FROM unnest($2, $3) AS changed (id, window_ends_at)
  JOIN conversations c ON c.tenant_id = $1 AND c.id = changed.id
 WHERE changed.window_ends_at IS NOT NULL
 GROUP BY c.account_id, c.contact_id
 ORDER BY c.account_id, c.contact_id
    ON CONFLICT (tenant_id, account_id, contact_id) DO UPDATE SET ends_at = excluded.ends_at
 WHERE known.ends_at < excluded.ends_at";

/// A conversation shows the latest of its messages, of what happened to them, and of missed calls. The service window never shrinks.
/// The version increases with news, so that a user cannot close a conversation with something they have not seen.
const REFRESH: &str = "
UPDATE conversations c
   SET unread_count = greatest(c.unread_count + changed.unread, 0),
       version = c.version + changed.news,
       service_window_ends_at = CASE WHEN NOT c.imported OR c.status <> 'closed' THEN greatest(c.service_window_ends_at, (
         SELECT w.ends_at FROM service_windows w
          WHERE w.tenant_id = $1 AND w.account_id = c.account_id AND w.contact_id = c.contact_id)) END,
       call_at = call.at,
       call_arrival = call.arrival,
       last_message_at = coalesce(l.provider_timestamp, call.at, c.last_message_at),
       activity_at = shown.at,
       arrival = coalesce(shown.arrival, c.arrival),
       last_message_preview = coalesce(app.preview(shown.line), c.last_message_preview),
       read_only = coalesce(l.origin = 'standby', c.read_only)
  FROM unnest($2, $3, $4, $5, $6) AS changed (id, unread, news, call_at, call_arrival)
  JOIN conversations k ON k.tenant_id = $1 AND k.id = changed.id
  LEFT JOIN LATERAL (
    SELECT at, arrival FROM (VALUES (k.call_at, k.call_arrival), (changed.call_at, changed.call_arrival)) AS calls (at, arrival)
     WHERE at IS NOT NULL ORDER BY at DESC, arrival DESC LIMIT 1
  ) call ON true
  LEFT JOIN LATERAL (
    SELECT m.provider_timestamp, m.arrival, m.text, m.origin FROM messages m
     WHERE m.tenant_id = $1 AND m.conversation_id = changed.id
     ORDER BY m.provider_timestamp DESC, m.arrival DESC, m.id DESC
     LIMIT 1
  ) l ON true
  LEFT JOIN LATERAL (
    SELECT m.activity_at, m.activity_arrival, coalesce(m.activity, m.text) AS line FROM messages m
     WHERE m.tenant_id = $1 AND m.conversation_id = changed.id AND m.activity_at IS NOT NULL
     ORDER BY m.activity_at DESC, m.activity_arrival DESC
     LIMIT 1
  ) a ON true
  LEFT JOIN LATERAL (
    SELECT at, arrival, line FROM (VALUES
      (l.provider_timestamp, l.arrival, l.text), (a.activity_at, a.activity_arrival, a.line), (call.at, call.arrival, $7)
    ) AS lines (at, arrival, line)
     WHERE at IS NOT NULL ORDER BY at DESC, arrival DESC LIMIT 1
  ) shown ON true
 WHERE c.tenant_id = $1 AND c.id = changed.id";

const EXTEND_SERVICE_WINDOWS: &str = "
WITH windows AS (
  INSERT INTO service_windows AS known (tenant_id, account_id, contact_id, ends_at)
  SELECT $1, account_id, contact_id, max(ends_at) FROM unnest($2, $3, $4) AS new (account_id, contact_id, ends_at)
   GROUP BY account_id, contact_id
   ORDER BY account_id, contact_id
      ON CONFLICT (tenant_id, account_id, contact_id) DO UPDATE SET ends_at = greatest(known.ends_at, excluded.ends_at)
  RETURNING account_id, contact_id, ends_at
)
UPDATE conversations c
   SET service_window_ends_at = greatest(c.service_window_ends_at, w.ends_at)
  FROM windows w
 WHERE c.tenant_id = $1 AND c.account_id = w.account_id AND c.contact_id = w.contact_id AND c.status <> 'closed'";

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = types::Uuid)]
    account_id: Uuid,
    #[diesel(sql_type = types::Uuid)]
    contact_id: Uuid,
}

pub(super) async fn open(
    tx: &mut Tx<Tenant>,
    wanted: &[OpenConversation],
    now: DateTime<Utc>,
) -> Result<Vec<OpenConversation>, StoreError> {
    find_or_insert(tx, [OPEN, FIND_OPEN], wanted, now).await
}

pub(super) async fn imported(
    tx: &mut Tx<Tenant>,
    wanted: &[OpenConversation],
    now: DateTime<Utc>,
) -> Result<Vec<OpenConversation>, StoreError> {
    find_or_insert(tx, [IMPORT, FIND_IMPORTED], wanted, now).await
}

async fn find_or_insert(
    tx: &mut Tx<Tenant>,
    [insert, find_all]: [&'static str; 2],
    wanted: &[OpenConversation],
    now: DateTime<Utc>,
) -> Result<Vec<OpenConversation>, StoreError> {
    let tenant = tx.tenant_id();
    let ids: Vec<Uuid> = wanted.iter().map(|wanted| wanted.id.as_uuid()).collect();
    let pairs: Vec<_> = wanted.iter().map(|wanted| (wanted.account, wanted.contact)).collect();
    let (accounts, contacts) = columns(&pairs);
    let statement = sql(insert)
        .bind::<types::Uuid, _>(tenant)
        .bind::<types::Uuids, _>(ids)
        .bind::<types::Uuids, _>(accounts)
        .bind::<types::Uuids, _>(contacts)
        .bind::<types::Timestamptz, _>(now);
    tx.execute(statement).await?;
    find(tx, find_all, &pairs).await
}

pub(super) async fn delete_empty_imported(
    tx: &mut Tx<Tenant>,
    conversations: &[ConversationId],
) -> Result<Vec<ConversationId>, StoreError> {
    let statement = sql(DELETE_EMPTY_IMPORTED)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Uuids, _>(conversations.iter().map(|it| it.as_uuid()).collect::<Vec<_>>());
    let rows: Vec<Id> = Prepared(statement).load(tx.connection()).await.or_store_error()?;
    Ok(rows.into_iter().map(|row| ConversationId::from_uuid(row.id)).collect())
}

async fn find(
    tx: &mut Tx<Tenant>,
    statement: &'static str,
    pairs: &[(AccountId, ContactId)],
) -> Result<Vec<OpenConversation>, StoreError> {
    let tenant = tx.tenant_id();
    let (accounts, contacts) = columns(pairs);
    let statement = Prepared(
        sql(statement)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Uuids, _>(accounts)
            .bind::<types::Uuids, _>(contacts),
    );
    let rows: Vec<Row> = statement.load(tx.connection()).await.or_store_error()?;
    let found = |row: Row| OpenConversation {
        id: ConversationId::from_uuid(row.id),
        account: AccountId::from_uuid(row.account_id),
        contact: ContactId::from_uuid(row.contact_id),
    };
    Ok(rows.into_iter().map(found).collect())
}

pub(super) async fn refresh_after(tx: &mut Tx<Tenant>, updates: &[ConversationUpdate]) -> Result<(), StoreError> {
    let tenant = tx.tenant_id();
    let ids: Vec<Uuid> = updates.iter().map(|update| update.conversation.as_uuid()).collect();
    tx.execute(sql(LOCK).bind::<types::Uuid, _>(tenant).bind::<types::Uuids, _>(ids.clone())).await?;
    if updates.iter().any(|update| update.service_window_ends_at.is_some()) {
        let statement = sql(STORE_SERVICE_WINDOWS)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Uuids, _>(ids.clone())
            .bind::<types::MaybeTimes, _>(
            updates.iter().map(|update| update.service_window_ends_at).collect::<Vec<_>>(),
        );
        tx.execute(statement).await?;
    }
    let statement = sql(REFRESH)
        .bind::<types::Uuid, _>(tenant)
        .bind::<types::Uuids, _>(ids)
        .bind::<types::Integers, _>(updates.iter().map(|update| update.unread).collect::<Vec<_>>())
        .bind::<types::Integers, _>(updates.iter().map(|update| update.news).collect::<Vec<_>>())
        .bind::<types::MaybeTimes, _>(updates.iter().map(|it| it.missed_call.map(|(at, _)| at)).collect::<Vec<_>>())
        .bind::<types::MaybeBigInts, _>(
            updates.iter().map(|it| it.missed_call.map(|(_, arrival)| arrival.get())).collect::<Vec<_>>(),
        )
        .bind::<types::Text, _>(MISSED_CALL);
    tx.execute(statement).await?;
    Ok(())
}

/// Updates conversations whose messages changed without new ones having arrived.
pub(crate) async fn refresh(tx: &mut Tx<Tenant>, conversations: Vec<Uuid>) -> Result<(), StoreError> {
    let update = |id: Uuid| ConversationUpdate::of(ConversationId::from_uuid(id));
    refresh_after(tx, &conversations.into_iter().map(update).collect::<Vec<_>>()).await
}

pub(super) async fn extend_service_windows(
    tx: &mut Tx<Tenant>,
    windows: &[(AccountId, ContactId, DateTime<Utc>)],
) -> Result<(), StoreError> {
    let tenant = tx.tenant_id();
    let pairs: Vec<_> = windows.iter().map(|(account, contact, _)| (*account, *contact)).collect();
    let (accounts, contacts) = columns(&pairs);
    let statement = sql(EXTEND_SERVICE_WINDOWS)
        .bind::<types::Uuid, _>(tenant)
        .bind::<types::Uuids, _>(accounts)
        .bind::<types::Uuids, _>(contacts)
        .bind::<types::Times, _>(windows.iter().map(|(.., ends_at)| *ends_at).collect::<Vec<_>>());
    tx.execute(statement).await?;
    Ok(())
}

fn columns(pairs: &[(AccountId, ContactId)]) -> (Vec<Uuid>, Vec<Uuid>) {
    pairs.iter().map(|(account, contact)| (account.as_uuid(), contact.as_uuid())).unzip()
}
