use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::{AccountId, ContactId, ConversationId, MessageId};
use outbound::{MessageToSend, Thread};
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

/// The contacts are locked against deletion before the conversations, in the order in which merging and deleting contacts lock them; all
/// contacts before the first conversation, and each kind by id. The service window may have been extended while the conversation was
/// closed.
const LOCK_THREADS: &str = "
WITH contact AS MATERIALIZED (
  SELECT k.id, k.display_name, k.marketing_consent FROM contacts k
   WHERE k.tenant_id = $1 AND k.removed_at IS NULL
     AND k.id = ANY (ARRAY(SELECT v.contact_id FROM conversations v WHERE v.tenant_id = $1 AND v.id = ANY ($2)))
   ORDER BY k.id
     FOR KEY SHARE
), conversation AS MATERIALIZED (
  SELECT c.* FROM conversations c
   WHERE c.tenant_id = $1 AND c.id = ANY ($2) AND c.contact_id = ANY (ARRAY(SELECT k.id FROM contact k))
   ORDER BY c.id
     FOR NO KEY UPDATE
)
SELECT c.id, c.account_id, c.contact_id, c.status = 'closed' AS is_closed, c.read_only, a.waba_id, a.status = 'active' AS is_connected,
       coalesce(s.access_token_set_at IS NOT NULL, false) AS has_token, coalesce(s.registered, true) AS is_registered, a.send_read_receipts,
       CASE WHEN c.status = 'closed' THEN
         (SELECT o.id FROM conversations o
           WHERE o.tenant_id = $1 AND o.account_id = c.account_id AND o.contact_id = c.contact_id AND o.status <> 'closed') END
         AS other_open,
       greatest(c.service_window_ends_at, (
         SELECT w.ends_at FROM service_windows w
          WHERE w.tenant_id = $1 AND w.account_id = c.account_id AND w.contact_id = c.contact_id)) AS service_window_ends_at,
       (SELECT i.value FROM contact_identities i
         WHERE i.tenant_id = $1 AND i.contact_id = c.contact_id AND i.kind = 'phone' AND i.current
         ORDER BY i.since DESC, i.value LIMIT 1) AS phone,
       (SELECT i.value FROM contact_identities i
         WHERE i.tenant_id = $1 AND i.contact_id = c.contact_id AND i.kind = 'bsuid' AND i.scope = a.waba_id AND i.current
         ORDER BY i.since DESC, i.value LIMIT 1) AS bsuid,
       CASE WHEN k.display_name = '' THEN
         (SELECT i.value FROM contact_identities i
           WHERE i.tenant_id = $1 AND i.contact_id = c.contact_id AND i.kind = 'username' AND i.current
           ORDER BY i.since DESC, i.value LIMIT 1) END AS username,
       k.display_name, k.marketing_consent = 'withdrawn' AS opted_out
  FROM conversation c
  JOIN contact k ON k.id = c.contact_id
  JOIN whatsapp_accounts a ON a.tenant_id = $1 AND a.id = c.account_id
  LEFT JOIN account_credentials s ON s.tenant_id = $1 AND s.account_id = a.id";

const MESSAGES: &str = "
SELECT m.id, m.conversation_id, m.wamid, m.direction = 'inbound' AS is_inbound, m.provider_timestamp FROM messages m
 WHERE m.tenant_id = $1 AND m.id = ANY ($2)";

const LATEST_INBOUND: &str = "
SELECT m.id, m.conversation_id, m.wamid, true AS is_inbound, m.provider_timestamp FROM messages m
 WHERE m.tenant_id = $1 AND m.conversation_id = $2 AND m.direction = 'inbound' AND m.wamid IS NOT NULL
 ORDER BY m.provider_timestamp DESC, m.arrival DESC, m.id DESC
 LIMIT 1";

#[derive(diesel::QueryableByName)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column")]
struct Row {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = types::Uuid)]
    account_id: Uuid,
    #[diesel(sql_type = types::Uuid)]
    contact_id: Uuid,
    #[diesel(sql_type = types::Bool)]
    is_closed: bool,
    #[diesel(sql_type = types::Bool)]
    read_only: bool,
    #[diesel(sql_type = types::Text)]
    waba_id: String,
    #[diesel(sql_type = types::Bool)]
    is_connected: bool,
    #[diesel(sql_type = types::Bool)]
    has_token: bool,
    #[diesel(sql_type = types::Bool)]
    is_registered: bool,
    #[diesel(sql_type = types::Bool)]
    send_read_receipts: bool,
    #[diesel(sql_type = Nullable<types::Uuid>)]
    other_open: Option<Uuid>,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    service_window_ends_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<types::Text>)]
    phone: Option<String>,
    #[diesel(sql_type = Nullable<types::Text>)]
    bsuid: Option<String>,
    #[diesel(sql_type = types::Text)]
    display_name: String,
    #[diesel(sql_type = Nullable<types::Text>)]
    username: Option<String>,
    #[diesel(sql_type = types::Bool)]
    opted_out: bool,
}

#[derive(diesel::QueryableByName)]
struct MessageRow {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<types::Uuid>)]
    conversation_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<types::Text>)]
    wamid: Option<String>,
    #[diesel(sql_type = types::Bool)]
    is_inbound: bool,
    #[diesel(sql_type = types::Timestamptz)]
    provider_timestamp: DateTime<Utc>,
}

pub(super) async fn lock(
    tx: &mut Tx<Tenant>,
    conversations: &[ConversationId],
) -> Result<HashMap<ConversationId, Thread>, StoreError> {
    let statement = sql(LOCK_THREADS)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Uuids, _>(conversations.iter().map(|conversation| conversation.as_uuid()).collect::<Vec<_>>());
    let rows: Vec<Row> = Prepared(statement).load(tx.connection()).await.or_store_error()?;
    Ok(rows.into_iter().map(Row::into_thread).map(|thread| (thread.conversation, thread)).collect())
}

pub(super) async fn messages(
    tx: &mut Tx<Tenant>,
    messages: &[MessageId],
) -> Result<HashMap<MessageId, MessageToSend>, StoreError> {
    let statement = sql(MESSAGES)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Uuids, _>(messages.iter().map(|message| message.as_uuid()).collect::<Vec<_>>());
    let rows: Vec<MessageRow> = Prepared(statement).load(tx.connection()).await.or_store_error()?;
    Ok(rows.into_iter().map(MessageRow::into_message).collect())
}

pub(super) async fn latest_inbound(
    tx: &mut Tx<Tenant>,
    conversation: ConversationId,
) -> Result<Option<(MessageId, MessageToSend)>, StoreError> {
    let statement =
        sql(LATEST_INBOUND).bind::<types::Uuid, _>(tx.tenant_id()).bind::<types::Uuid, _>(conversation.as_uuid());
    let rows: Vec<MessageRow> = Prepared(statement).load(tx.connection()).await.or_store_error()?;
    Ok(rows.into_iter().next().map(MessageRow::into_message))
}

impl Row {
    fn into_thread(self) -> Thread {
        Thread {
            conversation: ConversationId::from_uuid(self.id),
            account: AccountId::from_uuid(self.account_id),
            waba_id: self.waba_id,
            contact: ContactId::from_uuid(self.contact_id),
            contact_name: self.display_name,
            username: self.username,
            is_closed: self.is_closed,
            is_read_only: self.read_only,
            other_open: self.other_open.map(ConversationId::from_uuid),
            service_window_ends_at: self.service_window_ends_at,
            is_connected: self.is_connected,
            has_token: self.has_token,
            is_registered: self.is_registered,
            phone: self.phone.map(|phone| format!("+{}", phone.trim_start_matches('+'))),
            bsuid: self.bsuid,
            opted_out: self.opted_out,
            send_read_receipts: self.send_read_receipts,
        }
    }
}

impl MessageRow {
    fn into_message(self) -> (MessageId, MessageToSend) {
        let message = MessageToSend {
            conversation: self.conversation_id.map(ConversationId::from_uuid),
            wamid: self.wamid,
            is_inbound: self.is_inbound,
            sent_at: self.provider_timestamp,
        };
        (MessageId::from_uuid(self.id), message)
    }
}
