use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;
use diesel_async::RunQueryDsl;
use kernel::ids::{AccountId, ConversationId, MessageId, SendId};
use kernel::{Arrival, StoreError};
use outbound::template::{TemplateStatus, Usability};
use outbound::{
    Attempt, MessagePlace, MessageToSend, NewMessageSend, NewOutboundMessage, NewSend, SendError, SendRepo, Sender,
    StoredSend, Thread,
};
use uuid::Uuid;

use super::thread;
use crate::closed_set;
use crate::crm::content_parts;
use crate::error::OrStoreError;
use crate::sql::{BoxedSql, Prepared, boxed_sql, sql, types};
use crate::transaction::{Tenant, Tx};

/// A send takes its place in the order from the sequence that orders what arrives, so that its message has the same place in lists.
/// The sends of one statement get one number of it, and places after it in their order. Messages of one conversation get their times and
/// places one after the other, as the conversation is locked; a time never goes back, so that lists show them in the order in which they
/// leave. What Parley sends is the latest of its conversation.
macro_rules! insert_sends {
    ($before:literal, $after:literal) => {
        concat!(
            "
WITH new AS MATERIALIZED (
  SELECT n.*, first.position + n.place - 1 AS position
    FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21) WITH ORDINALITY AS n
           (id, account_id, conversation_id, kind, message_id, priority, send_at, send_before, on_unknown, cancel_if_customer_writes,
            free_form, template, category, recipient, content, body, client_ref, sender_kind, sender_id, traceparent, place)
   CROSS JOIN (SELECT nextval('webhook_arrivals') * 4096 AS position) first
), sent AS (
  INSERT INTO sends
    (tenant_id, id, account_id, conversation_id, kind, message_id, state, priority, position, is_due, due_at, send_at, send_before,
     on_unknown, cancel_if_customer_writes, free_form, template, category, recipient, content, body, client_ref, sender_kind,
     sender_id, traceparent, created_at)
  SELECT $1, n.id, n.account_id, n.conversation_id, n.kind, n.message_id, 'queued', n.priority, n.position, n.send_at IS NULL,
         coalesce(n.send_at, $22), n.send_at, n.send_before, n.on_unknown, n.cancel_if_customer_writes, n.free_form, n.template,
         n.category, n.recipient, n.content, n.body, n.client_ref, n.sender_kind, n.sender_id, n.traceparent, $22
    FROM new n
)",
            $before,
            $after
        )
    };
}

const INSERT_MESSAGE_SENDS: &str = insert_sends!(
    ", told AS (
  SELECT t.*, app.preview(t.text) AS preview
    FROM unnest($23, $24, $25, $26, $27, $28) WITH ORDINALITY AS t (contact_id, kind, text, parts, reply_to_wamid, line_id, place)
), placed AS MATERIALIZED (
  SELECT n.id, n.account_id, n.conversation_id, n.message_id, n.body, n.sender_kind, n.sender_id, n.position, n.place, t.contact_id, t.kind, t.text,
         t.parts, t.reply_to_wamid, t.line_id, t.preview, greatest(date_trunc('second', $22), c.last_message_at, c.activity_at) AS at
    FROM new n
    JOIN told t ON t.place = n.place
    JOIN conversations c ON c.tenant_id = $1 AND c.id = n.conversation_id
), message AS (
  INSERT INTO messages
    (tenant_id, created_at, id, conversation_id, contact_id, account_id, direction, origin, kind, text, parts, reply_to_wamid, payload,
     provider_timestamp, arrival)
  SELECT $1, $22, p.message_id, p.conversation_id, p.contact_id, p.account_id, 'outbound', 'api', p.kind, p.text, p.parts,
         p.reply_to_wamid, p.body, p.at, p.position
    FROM placed p
), line AS (
  INSERT INTO interactions
    (tenant_id, created_at, id, contact_id, kind, text, actor_id, api_key_id, message_id, occurred_at, arrival)
  SELECT $1, $22, p.line_id, p.contact_id, 'outbound_message', p.preview, CASE WHEN p.sender_kind = 'user' THEN p.sender_id END,
         CASE WHEN p.sender_kind = 'api_key' THEN p.sender_id END, p.message_id, p.at, p.position
    FROM placed p
), latest AS (
  SELECT p.conversation_id, max(p.at) AS at, max(p.position) AS position,
         (array_agg(p.preview ORDER BY p.place DESC) FILTER (WHERE p.preview IS NOT NULL))[1] AS preview
    FROM placed p GROUP BY p.conversation_id
), shown AS (
  UPDATE conversations c
     SET last_message_at = l.at, activity_at = l.at, arrival = l.position,
         last_message_preview = coalesce(l.preview, c.last_message_preview),
         version = c.version + (c.status = 'closed')::integer,
         status = CASE WHEN c.status = 'closed' THEN 'open' ELSE c.status END
    FROM latest l
   WHERE c.tenant_id = $1 AND c.id = l.conversation_id
)",
    "
SELECT at, position FROM placed ORDER BY place"
);

const INSERT_SENDS: &str = insert_sends!("", "\nSELECT position FROM new");

const SENDS: &str = "
SELECT s.id, s.kind, s.account_id, s.conversation_id, s.message_id, s.state, s.send_at, s.send_before, s.on_unknown, s.client_ref,
       s.sender_kind, s.sender_id, s.content, s.attempts, s.ended_at, s.may_have_been_sent, s.error_code, s.error_class, s.error_title,
       s.error_advice, s.dismissed_at, m.delivery_status, m.reply_to_wamid,
       s.state = 'queued' AND coalesce(s.send_at <= $3, true) AND (EXISTS (
         SELECT FROM sending_pauses p
          WHERE p.tenant_id = $1 AND p.account_id = s.account_id AND (p.until IS NULL OR p.until > $3)
            AND (p.scope IN ('number', 'business_account', 'token')
                 OR p.scope IN ('pair', 'recipient') AND p.subject = s.recipient
                 OR p.scope = 'conversation' AND p.subject = s.conversation_id::text
                 OR p.scope = 'template' AND p.subject = s.template)
            AND app.pause_stops(p.sends, s.free_form, s.category, c.service_window_ends_at > $3))
         OR EXISTS (
         SELECT FROM templates t
           JOIN whatsapp_accounts a ON a.tenant_id = $1 AND a.id = s.account_id AND a.waba_id = t.waba_id
          WHERE t.tenant_id = $1 AND t.name = split_part(s.template, '/', 1) AND t.language = split_part(s.template, '/', 2)
            AND t.status = ANY ($4))) AS is_paused
  FROM sends s
  JOIN messages m ON m.tenant_id = $1 AND m.id = s.message_id
  JOIN conversations c ON c.tenant_id = $1 AND c.id = s.conversation_id
 WHERE s.tenant_id = $1 AND s.message_id = ANY ($2) AND s.kind = 'message'";

/// Locked by an UPDATE of its own, as its joined rows may not be.
const LOCK: &str = "
SELECT id FROM sends WHERE tenant_id = $1 AND message_id = $2 AND kind = 'message' FOR UPDATE";

const REPLACE: &str = "
WITH changed AS (
  UPDATE sends
     SET is_due = $3 IS NULL, due_at = coalesce($3, $12), send_at = $3, send_before = $4, free_form = $5, template = $6, category = $7,
         recipient = $8, content = $9, body = $10
   WHERE tenant_id = $1 AND id = $2
)
UPDATE messages SET kind = $13, text = $14, parts = $15, reply_to_wamid = $16, payload = $10
 WHERE tenant_id = $1 AND id = $11";

const CANCEL: &str = "
UPDATE sends SET state = 'canceled', is_due = false, ended_at = $3, error_class = $4, error_title = $5, error_advice = $6
 WHERE tenant_id = $1 AND id = $2";

/// What is known of the attempts so far stays with them. The wamid is Meta's name of the next one.
const REQUEUE: &str = "
WITH requeued AS (
  UPDATE sends
     SET state = 'queued', is_due = true, due_at = $3, send_at = NULL, send_before = $4, ended_at = NULL, repeated_after = attempts,
         refusals = 0, resends = 0, may_have_been_sent = $5,
         error_code = NULL, error_class = NULL, error_title = NULL, error_advice = NULL
   WHERE tenant_id = $1 AND id = $2
  RETURNING message_id
)
UPDATE messages m SET wamid = NULL, delivery_status = NULL FROM requeued r WHERE m.tenant_id = $1 AND m.id = r.message_id";

const DISMISS: &str = "UPDATE sends SET dismissed_at = $3 WHERE tenant_id = $1 AND id = $2";

const ATTEMPTS: &str = "
SELECT number, started_at, ended_at, outcome, http_status, code, title, trace_id FROM send_attempts
 WHERE tenant_id = $1 AND send_id = $2 ORDER BY number";

#[derive(diesel::QueryableByName)]
struct SendRow {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = types::Text)]
    kind: String,
    #[diesel(sql_type = types::Uuid)]
    account_id: Uuid,
    #[diesel(sql_type = types::Uuid)]
    conversation_id: Uuid,
    #[diesel(sql_type = types::Uuid)]
    message_id: Uuid,
    #[diesel(sql_type = types::Text)]
    state: String,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    send_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = types::Timestamptz)]
    send_before: DateTime<Utc>,
    #[diesel(sql_type = types::Text)]
    on_unknown: String,
    #[diesel(sql_type = Nullable<types::Text>)]
    client_ref: Option<String>,
    #[diesel(sql_type = types::Text)]
    sender_kind: String,
    #[diesel(sql_type = Nullable<types::Uuid>)]
    sender_id: Option<Uuid>,
    #[diesel(sql_type = types::Text)]
    content: String,
    #[diesel(sql_type = types::Integer)]
    attempts: i32,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    ended_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = types::Bool)]
    may_have_been_sent: bool,
    #[diesel(sql_type = Nullable<types::BigInt>)]
    error_code: Option<i64>,
    #[diesel(sql_type = Nullable<types::Text>)]
    error_class: Option<String>,
    #[diesel(sql_type = Nullable<types::Text>)]
    error_title: Option<String>,
    #[diesel(sql_type = Nullable<types::Text>)]
    error_advice: Option<String>,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    dismissed_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<types::Text>)]
    delivery_status: Option<String>,
    #[diesel(sql_type = Nullable<types::Text>)]
    reply_to_wamid: Option<String>,
    #[diesel(sql_type = types::Bool)]
    is_paused: bool,
}

#[derive(diesel::QueryableByName)]
struct PlaceRow {
    #[diesel(sql_type = types::Timestamptz)]
    at: DateTime<Utc>,
    #[diesel(sql_type = types::BigInt)]
    position: i64,
}

#[derive(diesel::QueryableByName)]
struct AttemptRow {
    #[diesel(sql_type = types::Integer)]
    number: i32,
    #[diesel(sql_type = types::Timestamptz)]
    started_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    ended_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<types::Text>)]
    outcome: Option<String>,
    #[diesel(sql_type = Nullable<types::Integer>)]
    http_status: Option<i32>,
    #[diesel(sql_type = Nullable<types::BigInt>)]
    code: Option<i64>,
    #[diesel(sql_type = Nullable<types::Text>)]
    title: Option<String>,
    #[diesel(sql_type = Nullable<types::Text>)]
    trace_id: Option<String>,
}

impl SendRow {
    fn into_send(self) -> Result<StoredSend, StoreError> {
        let error = self.error_class.map(|class| SendError {
            code: self.error_code,
            class,
            title: self.error_title.unwrap_or_default(),
            advice: self.error_advice.unwrap_or_default(),
        });
        Ok(StoredSend {
            id: SendId::from_uuid(self.id),
            kind: closed_set::parse(&self.kind, "sends.kind")?,
            account: AccountId::from_uuid(self.account_id),
            conversation: ConversationId::from_uuid(self.conversation_id),
            message: MessageId::from_uuid(self.message_id),
            state: closed_set::parse(&self.state, "sends.state")?,
            send_at: self.send_at,
            send_before: self.send_before,
            on_unknown: closed_set::parse(&self.on_unknown, "sends.on_unknown")?,
            reply_to_wamid: self.reply_to_wamid,
            client_ref: self.client_ref,
            sender: Sender { kind: closed_set::parse(&self.sender_kind, "sends.sender_kind")?, id: self.sender_id },
            content: self.content,
            attempts: self.attempts,
            ended_at: self.ended_at,
            may_have_been_sent: self.may_have_been_sent,
            error,
            dismissed_at: self.dismissed_at,
            delivery: closed_set::parse_optional(self.delivery_status.as_deref(), "messages.delivery_status")?,
            is_paused: self.is_paused,
        })
    }
}

impl AttemptRow {
    fn into_attempt(self) -> Result<Attempt, StoreError> {
        Ok(Attempt {
            number: self.number,
            started_at: self.started_at,
            ended_at: self.ended_at,
            outcome: closed_set::parse_optional(self.outcome.as_deref(), "send_attempts.outcome")?,
            http_status: self.http_status,
            code: self.code,
            title: self.title,
            trace_id: self.trace_id,
        })
    }
}

/// Binds the parameters 1 to 22.
fn bind_sends<'q>(statement: BoxedSql<'q>, tenant: Uuid, sends: &[&'q NewSend], now: DateTime<Utc>) -> BoxedSql<'q> {
    fn column<'q, T>(sends: &[&'q NewSend], read: impl Fn(&'q NewSend) -> T) -> Vec<T> {
        sends.iter().map(|send| read(send)).collect()
    }
    statement
        .bind::<types::Uuid, _>(tenant)
        .bind::<types::Uuids, _>(column(sends, |send| send.id.as_uuid()))
        .bind::<types::Uuids, _>(column(sends, |send| send.account.as_uuid()))
        .bind::<types::Uuids, _>(column(sends, |send| send.conversation.as_uuid()))
        .bind::<types::Texts, _>(column(sends, |send| send.kind.into_str()))
        .bind::<types::Uuids, _>(column(sends, |send| send.message.as_uuid()))
        .bind::<types::Integers, _>(column(sends, |send| send.priority as i32))
        .bind::<types::MaybeTimes, _>(column(sends, |send| send.send_at))
        .bind::<types::Times, _>(column(sends, |send| send.send_before))
        .bind::<types::Texts, _>(column(sends, |send| send.on_unknown.into_str()))
        .bind::<types::Bools, _>(column(sends, |send| send.cancel_if_customer_writes))
        .bind::<types::Bools, _>(column(sends, |send| send.is_free_form))
        .bind::<types::MaybeTexts, _>(column(sends, |send| send.template.as_deref()))
        .bind::<types::MaybeTexts, _>(column(sends, |send| send.category.map(<&str>::from)))
        .bind::<types::Texts, _>(column(sends, |send| send.recipient.as_str()))
        .bind::<types::Texts, _>(column(sends, |send| send.content.as_str()))
        .bind::<types::Texts, _>(column(sends, |send| send.body.as_str()))
        .bind::<types::MaybeTexts, _>(column(sends, |send| send.client_ref.as_deref()))
        .bind::<types::Texts, _>(column(sends, |send| send.sender.kind.into_str()))
        .bind::<types::MaybeUuids, _>(column(sends, |send| send.sender.id))
        .bind::<types::MaybeTexts, _>(column(sends, |send| send.trace.map(|trace| trace.to_string())))
        .bind::<types::Timestamptz, _>(now)
}

#[async_trait]
impl SendRepo for Tx<Tenant> {
    async fn lock_threads(
        &mut self,
        conversations: &[ConversationId],
    ) -> Result<HashMap<ConversationId, Thread>, StoreError> {
        thread::lock(self, conversations).await
    }

    async fn messages_to_send(
        &mut self,
        messages: &[MessageId],
    ) -> Result<HashMap<MessageId, MessageToSend>, StoreError> {
        thread::messages(self, messages).await
    }

    async fn latest_inbound(
        &mut self,
        conversation: ConversationId,
    ) -> Result<Option<(MessageId, MessageToSend)>, StoreError> {
        thread::latest_inbound(self, conversation).await
    }

    async fn insert_message_sends(
        &mut self,
        new: &[NewMessageSend],
        now: DateTime<Utc>,
    ) -> Result<Vec<MessagePlace>, StoreError> {
        fn column<'n, T>(new: &'n [NewMessageSend], read: impl Fn(&'n NewMessageSend) -> T) -> Vec<T> {
            new.iter().map(read).collect()
        }
        let sends = column(new, |new| &new.send);
        let statement = bind_sends(boxed_sql(INSERT_MESSAGE_SENDS), self.tenant_id(), &sends, now)
            .bind::<types::Uuids, _>(column(new, |new| new.message.contact.as_uuid()))
            .bind::<types::Texts, _>(column(new, |new| new.message.kind.as_str()))
            .bind::<types::Texts, _>(column(new, |new| new.message.text.as_str()))
            .bind::<types::Texts, _>(column(new, |new| content_parts::json(&new.message.parts)))
            .bind::<types::MaybeTexts, _>(column(new, |new| new.message.reply_to_wamid.as_deref()))
            .bind::<types::Uuids, _>(column(new, |new| new.line.as_uuid()));
        let rows: Vec<PlaceRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        Ok(rows.into_iter().map(|row| MessagePlace { at: row.at, arrival: Arrival::new(row.position) }).collect())
    }

    async fn insert_send(&mut self, send: &NewSend, now: DateTime<Utc>) -> Result<(), StoreError> {
        let statement = bind_sends(boxed_sql(INSERT_SENDS), self.tenant_id(), &[send], now);
        self.execute(statement).await?;
        Ok(())
    }

    async fn sends_of(
        &mut self,
        messages: &[MessageId],
        now: DateTime<Utc>,
    ) -> Result<HashMap<MessageId, StoredSend>, StoreError> {
        if messages.is_empty() {
            return Ok(HashMap::new());
        }
        let statement = sql(SENDS)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuids, _>(messages.iter().map(|message| message.as_uuid()).collect::<Vec<_>>())
            .bind::<types::Timestamptz, _>(now)
            .bind::<types::Texts, _>(TemplateStatus::with_usability(Usability::Later));
        let rows: Vec<SendRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        rows.into_iter().map(|row| row.into_send().map(|send| (send.message, send))).collect()
    }

    async fn lock_send(&mut self, message: MessageId, now: DateTime<Utc>) -> Result<Option<StoredSend>, StoreError> {
        let statement = sql(LOCK).bind::<types::Uuid, _>(self.tenant_id()).bind::<types::Uuid, _>(message.as_uuid());
        self.execute(statement).await?;
        Ok(self.sends_of(&[message], now).await?.remove(&message))
    }

    async fn replace_send(
        &mut self,
        message: &NewOutboundMessage,
        send: &NewSend,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let statement = sql(REPLACE)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuid, _>(send.id.as_uuid())
            .bind::<Nullable<types::Timestamptz>, _>(send.send_at)
            .bind::<types::Timestamptz, _>(send.send_before)
            .bind::<types::Bool, _>(send.is_free_form)
            .bind::<Nullable<types::Text>, _>(send.template.as_deref())
            .bind::<Nullable<types::Text>, _>(send.category.map(<&str>::from))
            .bind::<types::Text, _>(&send.recipient)
            .bind::<types::Text, _>(&send.content)
            .bind::<types::Text, _>(&send.body)
            .bind::<types::Uuid, _>(message.id.as_uuid())
            .bind::<types::Timestamptz, _>(now)
            .bind::<types::Text, _>(&message.kind)
            .bind::<types::Text, _>(&message.text)
            .bind::<types::Text, _>(content_parts::json(&message.parts))
            .bind::<Nullable<types::Text>, _>(message.reply_to_wamid.as_deref());
        self.execute(statement).await?;
        crate::crm::refresh_conversations(self, vec![send.conversation.as_uuid()]).await
    }

    async fn cancel_send(&mut self, send: SendId, error: &SendError, now: DateTime<Utc>) -> Result<(), StoreError> {
        let statement = sql(CANCEL)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuid, _>(send.as_uuid())
            .bind::<types::Timestamptz, _>(now)
            .bind::<types::Text, _>(&error.class)
            .bind::<types::Text, _>(&error.title)
            .bind::<types::Text, _>(&error.advice);
        self.execute(statement).await?;
        Ok(())
    }

    async fn requeue_send(
        &mut self,
        send: SendId,
        send_before: DateTime<Utc>,
        may_have_been_sent: bool,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let statement = sql(REQUEUE)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuid, _>(send.as_uuid())
            .bind::<types::Timestamptz, _>(now)
            .bind::<types::Timestamptz, _>(send_before)
            .bind::<types::Bool, _>(may_have_been_sent);
        self.execute(statement).await?;
        Ok(())
    }

    async fn dismiss_send(&mut self, send: SendId, now: DateTime<Utc>) -> Result<(), StoreError> {
        let statement = sql(DISMISS)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuid, _>(send.as_uuid())
            .bind::<types::Timestamptz, _>(now);
        self.execute(statement).await?;
        Ok(())
    }

    async fn send_attempts(&mut self, send: SendId) -> Result<Vec<Attempt>, StoreError> {
        let statement = sql(ATTEMPTS).bind::<types::Uuid, _>(self.tenant_id()).bind::<types::Uuid, _>(send.as_uuid());
        let rows: Vec<AttemptRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        rows.into_iter().map(AttemptRow::into_attempt).collect()
    }
}
