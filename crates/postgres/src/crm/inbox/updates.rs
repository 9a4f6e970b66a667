use chrono::{DateTime, Utc};
use crm::inbox::{MessageKey, NewUpdate, REACTION_TEXT, REVOKED_TEXT, RefreshedMessage, UpdateEffect};
use diesel::sql_types::Nullable;
use diesel_async::RunQueryDsl;
use kernel::ids::{ContactId, ConversationId, MessageId};
use kernel::{Arrival, DeliveryStatus, StoreError};
use uuid::Uuid;

use super::message_keys::columns;
use super::messages::of_messages;
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

/// An update names a person in columns of its own while its message is not stored, and for good if its key names them. Of two with
/// one key, in the batch or stored, the one that arrived first is kept. Those of customers are new until [`REFRESH`] has seen them.
const INSERT: &str = "
INSERT INTO message_updates
  (tenant_id, created_at, account_id, wamid, kind, key, value, contact_id, payload, occurred_at, arrival, parked, is_new, phone, bsuid)
SELECT $1, $2, new.account_id, new.wamid, new.kind, new.key, new.value, new.contact_id, new.payload, new.occurred_at,
       new.arrival, p.parked, new.kind <> 'status' AND new.contact_id IS NOT NULL,
       CASE WHEN p.parked OR new.in_key THEN new.phone END, CASE WHEN p.parked OR new.in_key THEN new.bsuid END
  FROM (
    SELECT DISTINCT ON (account_id, wamid, kind, key) *
      FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS new
        (account_id, wamid, kind, key, value, contact_id, payload, occurred_at, arrival, phone, bsuid, in_key)
     ORDER BY account_id, wamid, kind, key, arrival
  ) new
 CROSS JOIN LATERAL (
   SELECT NOT EXISTS (SELECT FROM messages m
                       WHERE m.tenant_id = $1 AND m.account_id = new.account_id AND m.wamid = new.wamid) AS parked
 ) p
    ON CONFLICT (tenant_id, account_id, wamid, kind, key) DO UPDATE
   SET value = excluded.value, contact_id = excluded.contact_id, payload = excluded.payload,
       occurred_at = excluded.occurred_at, arrival = excluded.arrival, phone = excluded.phone, bsuid = excluded.bsuid
 WHERE excluded.arrival < message_updates.arrival";

/// Computes the state of messages from all of their updates, as [`crm::inbox::MessageState`] specifies it. Updates of a stored
/// message are no longer parked, and no longer new. What happens to messages of the past is no news, and nothing is unread in a thread
/// that another party answers: it stays new for the case that the message is also told live. The contact of an update is null if it is by the business. Most messages
/// have statuses only, so all else is read only where there is more.
///
/// Messages and their updates are read by key, one after the other: LIMIT and the aggregate keep Postgres from joining all
/// messages with all updates of the tenant, which it prefers while the statistics of a growing table say that it is empty.
const REFRESH: &str = "
WITH stored AS MATERIALIZED (
  SELECT m.*
    FROM (SELECT DISTINCT account_id, wamid FROM unnest($2, $3) AS given (account_id, wamid)) AS keys
   CROSS JOIN LATERAL (
     SELECT id, account_id, wamid, direction, delivery_status, text, media_id, media_caption, unread_in, activity_at,
            activity_arrival, activity,
            CASE WHEN origin <> 'history' THEN conversation_id END AS conversation_id,
            origin NOT IN ('history', 'standby') AS is_ours,
            CASE WHEN direction = 'inbound' THEN contact_id END AS sender_id
       FROM messages
      WHERE tenant_id = $1 AND account_id = keys.account_id AND wamid = keys.wamid
      LIMIT 1
   ) m
), state AS (
  SELECT m.id, other.edited_at, other.revoked_at,
         CASE WHEN m.direction = 'outbound' THEN statuses.failed_at END AS failed_at, statuses.failed_arrival,
         CASE WHEN m.direction = 'outbound'
              THEN ($4)[greatest(statuses.rank, array_position($4, m.delivery_status))] END AS delivery_status,
         CASE WHEN other.revoked_at IS NOT NULL THEN $5 ELSE coalesce(other.edit, m.text) END AS text,
         CASE WHEN m.media_id IS NOT NULL THEN coalesce(other.edit, m.media_caption) END AS media_caption,
         latest.at AS activity_at, latest.arrival AS activity_arrival, latest.line AS activity,
         CASE WHEN m.is_ours AND m.conversation_id IS NOT NULL THEN other.news ELSE 0 END AS news,
         CASE WHEN unread.reads IS NULL THEN m.unread_in
              WHEN m.direction = 'inbound' AND (other.edit_is_new OR other.revocation_is_new)
                OR m.direction = 'outbound' AND other.reaction_is_new AND other.reaction IS NOT NULL THEN unread.reads
              WHEN m.direction = 'outbound' AND other.reaction_is_new AND m.unread_in = unread.reads THEN NULL
              ELSE m.unread_in END AS unread_in,
         m.text AS text_before, m.unread_in AS unread_before, unread.reads,
         (latest.at, latest.arrival, latest.line) IS DISTINCT FROM (m.activity_at, m.activity_arrival, m.activity) AS activity_changed
    FROM stored m
   CROSS JOIN LATERAL (
     SELECT count(*) AS updates,
            count(*) FILTER (WHERE u.kind <> 'status') AS others,
            max(array_position($4, u.value)) FILTER (WHERE u.kind = 'status') AS rank,
            min(u.occurred_at) FILTER (WHERE u.kind = 'status' AND u.value = 'failed') AS failed_at,
            (array_agg(u.arrival ORDER BY u.occurred_at, u.arrival)
               FILTER (WHERE u.kind = 'status' AND u.value = 'failed'))[1] AS failed_arrival
       FROM message_updates u
      WHERE u.tenant_id = $1 AND u.account_id = m.account_id AND u.wamid = m.wamid
   ) statuses
   CROSS JOIN LATERAL (
     SELECT count(*) FILTER (WHERE is_new) AS news,
            max(occurred_at) FILTER (WHERE is_edit) AS edited_at,
            (array_agg(value ORDER BY occurred_at DESC, arrival DESC, key DESC) FILTER (WHERE is_edit AND value IS NOT NULL))[1] AS edit,
            (array_agg(occurred_at ORDER BY occurred_at DESC, arrival DESC, key DESC) FILTER (WHERE is_edit AND value IS NOT NULL))[1] AS edit_at,
            (array_agg(arrival ORDER BY occurred_at DESC, arrival DESC, key DESC) FILTER (WHERE is_edit AND value IS NOT NULL))[1] AS edit_arrival,
            (array_agg(is_new ORDER BY occurred_at DESC, arrival DESC, key DESC) FILTER (WHERE is_edit AND value IS NOT NULL))[1] AS edit_is_new,
            min(occurred_at) FILTER (WHERE is_revocation) AS revoked_at,
            (array_agg(arrival ORDER BY occurred_at, arrival) FILTER (WHERE is_revocation))[1] AS revoked_arrival,
            (array_agg(is_new ORDER BY occurred_at, arrival) FILTER (WHERE is_revocation))[1] AS revocation_is_new,
            (array_agg(value ORDER BY occurred_at DESC, arrival DESC, key DESC) FILTER (WHERE is_reaction))[1] AS reaction,
            (array_agg(occurred_at ORDER BY occurred_at DESC, arrival DESC, key DESC) FILTER (WHERE is_reaction))[1] AS reaction_at,
            (array_agg(arrival ORDER BY occurred_at DESC, arrival DESC, key DESC) FILTER (WHERE is_reaction))[1] AS reaction_arrival,
            (array_agg(is_new ORDER BY occurred_at DESC, arrival DESC, key DESC) FILTER (WHERE is_reaction))[1] AS reaction_is_new
       FROM (
         SELECT u.*, u.kind = 'edit' AND u.contact_id IS NOT DISTINCT FROM m.sender_id AS is_edit,
                u.kind = 'revocation' AND u.contact_id IS NOT DISTINCT FROM m.sender_id AS is_revocation,
                u.kind = 'reaction' AND u.contact_id IS NOT NULL AS is_reaction
           FROM message_updates u
          WHERE statuses.others > 0 AND u.tenant_id = $1 AND u.account_id = m.account_id AND u.wamid = m.wamid
            AND u.kind <> 'status'
       ) u
   ) other
    LEFT JOIN LATERAL (
      SELECT at, arrival, line FROM (VALUES
        (0, other.revoked_at, other.revoked_arrival, NULL::text),
        (1, other.edit_at, other.edit_arrival, NULL),
        (1, CASE WHEN m.direction = 'outbound' AND other.reaction IS NOT NULL THEN other.reaction_at END,
         other.reaction_arrival, $6 || other.reaction)) AS changes (place, at, arrival, line)
       WHERE statuses.others > 0 AND m.conversation_id IS NOT NULL AND at IS NOT NULL
       ORDER BY place, at DESC, arrival DESC
       LIMIT 1
    ) latest ON true
    LEFT JOIN LATERAL (
      SELECT c.reads FROM conversations c WHERE other.news > 0 AND m.is_ours AND c.tenant_id = $1 AND c.id = m.conversation_id
    ) unread ON true
   WHERE statuses.updates > 0
), matched AS (
  UPDATE message_updates u
     SET parked = false, is_new = u.is_new AND NOT m.is_ours, phone = CASE WHEN u.kind = 'status' AND u.key LIKE '%:_%' THEN u.phone END,
         bsuid = CASE WHEN u.kind = 'status' AND u.key LIKE '%:_%' THEN u.bsuid END
    FROM stored m
   WHERE u.tenant_id = $1 AND u.account_id = m.account_id AND u.wamid = m.wamid
     AND (u.parked OR u.is_new AND m.is_ours)
)
UPDATE messages m
   SET delivery_status = s.delivery_status, text = s.text, media_caption = s.media_caption,
       edited_at = s.edited_at, revoked_at = s.revoked_at,
       activity_at = s.activity_at, activity_arrival = s.activity_arrival, activity = s.activity, unread_in = s.unread_in
  FROM state s
 WHERE m.tenant_id = $1 AND m.id = s.id
RETURNING m.id, m.contact_id, m.conversation_id, s.text <> s.text_before AS text_changed, s.activity_changed,
          s.revoked_at IS NOT NULL AS is_revoked, s.failed_at, s.failed_arrival, s.activity_at, s.activity_arrival, s.news,
          (s.reads IS NOT NULL AND s.unread_in IS NOT DISTINCT FROM s.reads)::integer
            - (s.reads IS NOT NULL AND s.unread_before IS NOT DISTINCT FROM s.reads)::integer AS unread";

/// An interaction of an edit names no message: it may be stored before the message is.
const HIDE_REVOKED_TEXTS: &str = "
WITH revoked AS (
  SELECT id, account_id, wamid FROM messages WHERE tenant_id = $1 AND id = ANY ($2)
), affected AS (
  SELECT i.id FROM interactions i JOIN revoked r ON r.id = i.message_id
   WHERE i.tenant_id = $1 AND i.kind = ANY ($4)
   UNION ALL
  SELECT i.id FROM revoked r
    JOIN message_updates u ON u.tenant_id = $1 AND u.account_id = r.account_id AND u.wamid = r.wamid AND u.kind = 'edit'
    JOIN interactions i ON i.tenant_id = $1 AND i.source = 'update:' || u.account_id || ':' || u.key
)
UPDATE interactions i SET text = $3
 WHERE i.tenant_id = $1 AND i.id IN (SELECT id FROM affected) AND i.text <> $3";

const UNLINK_MEDIA: &str = "DELETE FROM message_media WHERE tenant_id = $1 AND message_id = ANY ($2)";

#[derive(diesel::QueryableByName)]
struct Refreshed {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = types::Uuid)]
    contact_id: Uuid,
    #[diesel(sql_type = Nullable<types::Uuid>)]
    conversation_id: Option<Uuid>,
    #[diesel(sql_type = types::Bool)]
    text_changed: bool,
    #[diesel(sql_type = types::Bool)]
    is_revoked: bool,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    failed_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<types::BigInt>)]
    failed_arrival: Option<i64>,
    #[diesel(sql_type = types::Bool)]
    activity_changed: bool,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    activity_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<types::BigInt>)]
    activity_arrival: Option<i64>,
    #[diesel(sql_type = types::BigInt)]
    news: i64,
    #[diesel(sql_type = types::Integer)]
    unread: i32,
}

pub(super) async fn insert(tx: &mut Tx<Tenant>, new: &[NewUpdate], now: DateTime<Utc>) -> Result<(), StoreError> {
    let tenant = tx.tenant_id();
    let keys: Vec<(&str, String)> = new.iter().map(|update| update.effect.key()).collect();
    let statement = sql(INSERT)
        .bind::<types::Uuid, _>(tenant)
        .bind::<types::Timestamptz, _>(now)
        .bind::<types::Uuids, _>(new.iter().map(|update| update.message.0.as_uuid()).collect::<Vec<_>>())
        .bind::<types::Texts, _>(new.iter().map(|update| update.message.1.as_str()).collect::<Vec<_>>())
        .bind::<types::Texts, _>(keys.iter().map(|(kind, _)| *kind).collect::<Vec<_>>())
        .bind::<types::Texts, _>(keys.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>())
        .bind::<types::MaybeTexts, _>(new.iter().map(|update| value(&update.effect)).collect::<Vec<_>>())
        .bind::<types::MaybeUuids, _>(
            new.iter().map(|update| update.contact.map(ContactId::as_uuid)).collect::<Vec<_>>(),
        )
        .bind::<types::MaybeTexts, _>(new.iter().map(|update| update.payload.as_deref()).collect::<Vec<_>>())
        .bind::<types::Times, _>(new.iter().map(|update| update.occurred_at).collect::<Vec<_>>())
        .bind::<types::BigInts, _>(new.iter().map(|update| update.arrival.get()).collect::<Vec<_>>())
        .bind::<types::MaybeTexts, _>(new.iter().map(|update| phone(update)).collect::<Vec<_>>())
        .bind::<types::MaybeTexts, _>(new.iter().map(|update| bsuid(update)).collect::<Vec<_>>())
        .bind::<types::Bools, _>(new.iter().map(|update| is_of_participant(&update.effect)).collect::<Vec<_>>());
    tx.execute(statement).await?;
    Ok(())
}

fn phone(update: &NewUpdate) -> Option<&str> {
    Some(update.person.as_ref()?.phones.as_slice().first()?.value.as_str())
}

fn bsuid(update: &NewUpdate) -> Option<&str> {
    Some(update.person.as_ref()?.bsuid.as_ref()?.value.as_str())
}

fn is_of_participant(effect: &UpdateEffect) -> bool {
    matches!(effect, UpdateEffect::Status { participant, .. } if !participant.is_empty())
}

fn value(effect: &UpdateEffect) -> Option<&str> {
    match effect {
        UpdateEffect::Status { status, .. } => Some(status),
        UpdateEffect::Reaction { emoji, .. } => emoji.as_deref(),
        UpdateEffect::Edit { text, .. } => text.as_deref(),
        UpdateEffect::Revocation { .. } => None,
    }
}

pub(super) async fn refresh(tx: &mut Tx<Tenant>, keys: &[MessageKey]) -> Result<Vec<RefreshedMessage>, StoreError> {
    let tenant = tx.tenant_id();
    let (accounts, wamids) = columns(keys);
    let ranked: Vec<&str> = DeliveryStatus::by_rank().into_iter().map(<&str>::from).collect();
    let statement = Prepared(
        sql(REFRESH)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Uuids, _>(accounts)
            .bind::<types::Texts, _>(wamids)
            .bind::<types::Texts, _>(ranked)
            .bind::<types::Text, _>(REVOKED_TEXT)
            .bind::<types::Text, _>(REACTION_TEXT),
    );
    let rows: Vec<Refreshed> = statement.load(tx.connection()).await.or_store_error()?;
    let refreshed = |row: Refreshed| RefreshedMessage {
        id: MessageId::from_uuid(row.id),
        contact: ContactId::from_uuid(row.contact_id),
        conversation: row.conversation_id.map(ConversationId::from_uuid),
        text_changed: row.text_changed,
        activity_changed: row.activity_changed,
        activity: row.activity_at.zip(row.activity_arrival.map(Arrival::new)),
        news: i32::try_from(row.news).unwrap_or(i32::MAX),
        unread: row.unread,
        is_revoked: row.is_revoked,
        failed_at: row.failed_at.zip(row.failed_arrival.map(Arrival::new)),
    };
    Ok(rows.into_iter().map(refreshed).collect())
}

pub(super) async fn hide_revoked_texts(tx: &mut Tx<Tenant>, revoked: &[MessageId]) -> Result<(), StoreError> {
    let tenant = tx.tenant_id();
    let statement = sql(HIDE_REVOKED_TEXTS)
        .bind::<types::Uuid, _>(tenant)
        .bind::<types::Uuids, _>(revoked.iter().map(|message| message.as_uuid()).collect::<Vec<_>>())
        .bind::<types::Text, _>(REVOKED_TEXT)
        .bind::<types::Texts, _>(of_messages());
    tx.execute(statement).await?;
    // Their files are deleted, unless other messages have them.
    let unlink = sql(UNLINK_MEDIA)
        .bind::<types::Uuid, _>(tenant)
        .bind::<types::Uuids, _>(revoked.iter().map(|message| message.as_uuid()).collect::<Vec<_>>());
    tx.execute(unlink).await?;
    Ok(())
}
