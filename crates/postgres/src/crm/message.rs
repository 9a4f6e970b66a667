use chrono::{DateTime, Utc};
use std::collections::HashMap;

use crm::{DeliveryStep, Media, Message, MessageList, MessageParts, Reaction, ReplyTo};
use diesel::sql_types::{Nullable, Text};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, QueryDsl, Queryable, QueryableByName, Selectable, SelectableHelper,
    define_sql_function,
};
use diesel_async::RunQueryDsl;
use kernel::ids::{ContactId, ConversationId, MessageId};
use kernel::{Arrival, Cursor, DeliveryStatus, MAX_PAGE_BYTES, Page, PageRequest, StoreError};
use uuid::Uuid;

use super::content_parts;
use crate::closed_set;
use crate::error::OrStoreError;
use crate::keyset::continue_after_arrival;
use crate::schema::{message_updates, messages};
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

diesel::alias!(messages as quoted: Quoted);

#[derive(Queryable, Selectable)]
#[diesel(table_name = messages)]
struct Row {
    id: Uuid,
    account_id: Uuid,
    conversation_id: Option<Uuid>,
    wamid: Option<String>,
    direction: String,
    origin: String,
    kind: String,
    text: String,
    parts: Option<String>,
    media_id: Option<String>,
    media_mime_type: Option<String>,
    media_sha256: Option<String>,
    media_caption: Option<String>,
    media_filename: Option<String>,
    reply_to_wamid: Option<String>,
    forwarded: Option<String>,
    referral: Option<String>,
    delivery_status: Option<String>,
    edited_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    provider_timestamp: DateTime<Utc>,
    arrival: i64,
    created_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
#[diesel(table_name = message_updates)]
struct UpdateRow {
    account_id: Uuid,
    wamid: String,
    kind: String,
    key: String,
    value: Option<String>,
    contact_id: Option<Uuid>,
    payload: Option<String>,
    occurred_at: DateTime<Utc>,
}

define_sql_function! {
    /// Does not read a text that is stored apart.
    fn octet_length(text: Text) -> Integer;
}

define_sql_function! {
    #[sql_name = "octet_length"]
    fn octet_length_if_any(text: Nullable<Text>) -> Nullable<Integer>;
}

/// The position of a message, and the bytes of its texts.
#[derive(Queryable)]
struct Size {
    id: Uuid,
    provider_timestamp: DateTime<Utc>,
    arrival: i64,
    text: i32,
    parts: Option<i32>,
    referral: Option<i32>,
    payload: i32,
}

impl Size {
    fn bytes(&self, parts: MessageParts) -> usize {
        let payload = if parts.payload { self.payload } else { 0 };
        [self.text, self.parts.unwrap_or_default(), self.referral.unwrap_or_default(), payload]
            .into_iter()
            .map(|it| usize::try_from(it).unwrap_or(0))
            .sum()
    }
}

/// The messages of a list, latest first. Their sizes are read first, so that no page takes more memory than it may have.
/// Quoted messages are looked up on reading, as they may be stored after their replies.
pub(super) async fn list(
    tx: &mut Tx<Tenant>,
    list: MessageList,
    page: &PageRequest,
    parts: MessageParts,
) -> Result<Page<Message>, StoreError> {
    let sizes = sizes(tx, list, page).await?.cut_at_bytes(MAX_PAGE_BYTES, |size| size.bytes(parts));
    let ids: Vec<Uuid> = sizes.items.iter().map(|size| size.id).collect();
    let mut payloads = if parts.payload { payloads(tx, &ids).await? } else { HashMap::new() };
    let quoted_id = quoted
        .filter(quoted.field(messages::tenant_id).eq(messages::tenant_id))
        .filter(quoted.field(messages::account_id).eq(messages::account_id))
        .filter(quoted.field(messages::wamid).eq(messages::reply_to_wamid))
        .select(quoted.field(messages::id))
        .single_value();
    let query = messages::table
        .filter(messages::tenant_id.eq(tx.tenant_id()))
        .filter(messages::id.eq_any(ids))
        .order((messages::provider_timestamp.desc(), messages::arrival.desc(), messages::id.desc()))
        .select((Row::as_select(), quoted_id));
    let rows: Vec<(Row, Option<Uuid>)> = query.load(tx.connection()).await.or_store_error()?;
    let mut updates = updates_of(tx, rows.iter().map(|(row, _)| row)).await?;
    let messages = rows.into_iter().map(|(row, quoted_id)| {
        let key = row.wamid.clone().map(|wamid| (row.account_id, wamid));
        let updates = key.and_then(|key| updates.remove(&key)).unwrap_or_default();
        let payload = payloads.remove(&row.id);
        into_message(row, payload, quoted_id, updates)
    });
    let messages = messages.collect::<Result<Vec<_>, _>>()?;
    let position = |message: &Message| Cursor {
        time: message.provider_timestamp,
        arrival: message.arrival,
        id: message.id.as_uuid(),
    };
    Ok(Page::of_rows(messages, sizes.next.is_some(), position))
}

async fn sizes(tx: &mut Tx<Tenant>, list: MessageList, page: &PageRequest) -> Result<Page<Size>, StoreError> {
    let mut query = messages::table
        .filter(messages::tenant_id.eq(tx.tenant_id()))
        .order((messages::provider_timestamp.desc(), messages::arrival.desc(), messages::id.desc()))
        .limit(page.limit.plus_one())
        .select((
            messages::id,
            messages::provider_timestamp,
            messages::arrival,
            octet_length(messages::text),
            octet_length_if_any(messages::parts),
            octet_length_if_any(messages::referral),
            octet_length(messages::payload),
        ))
        .into_boxed();
    query = match list {
        MessageList::One(id) => {
            query.filter(messages::id.eq(id.as_uuid())).filter(messages::conversation_id.is_not_null())
        }
        MessageList::OfConversation(conversation) => query.filter(messages::conversation_id.eq(conversation.as_uuid())),
        MessageList::OfContact { contact, account } => {
            let of_contact = messages::contact_id.eq(contact.as_uuid()).and(messages::conversation_id.is_not_null());
            match account {
                Some(account) => query.filter(of_contact).filter(messages::account_id.eq(account.as_uuid())),
                None => query.filter(of_contact),
            }
        }
    };
    query = continue_after_arrival(query, page.after, (messages::provider_timestamp, messages::arrival, messages::id));
    let sizes: Vec<Size> = query.load(tx.connection()).await.or_store_error()?;
    Ok(Page::of(sizes, page.limit, |size| Cursor {
        time: size.provider_timestamp,
        arrival: Arrival::new(size.arrival),
        id: size.id,
    }))
}

async fn payloads(tx: &mut Tx<Tenant>, ids: &[Uuid]) -> Result<HashMap<Uuid, String>, StoreError> {
    let query = messages::table
        .filter(messages::tenant_id.eq(tx.tenant_id()))
        .filter(messages::id.eq_any(ids))
        .select((messages::id, messages::payload));
    let payloads: Vec<(Uuid, String)> = query.load(tx.connection()).await.or_store_error()?;
    Ok(payloads.into_iter().collect())
}

/// The first statuses and reactions of each message, as far as they have 128 KiB: senders may invent any number of statuses.
const UPDATES: &str = "
SELECT account_id, wamid, kind, key, value, contact_id, payload, occurred_at FROM (
  SELECT *, array_position($4, value) AS rank,
         sum(coalesce(octet_length(payload), 0) + octet_length(key) + 64)
           OVER (PARTITION BY account_id, wamid ORDER BY occurred_at, array_position($4, value), arrival, key) AS bytes
    FROM message_updates
   WHERE tenant_id = $1 AND account_id = ANY($2) AND wamid = ANY($3) AND kind IN ('status', 'reaction')
) AS updates
 WHERE bytes <= 131072
 ORDER BY occurred_at, rank, arrival, key";

/// The statuses and reactions of messages, in the order of their times; statuses of one second in the order of their ranks, and
/// unknown ones after them.
async fn updates_of<'r>(
    tx: &mut Tx<Tenant>,
    rows: impl Iterator<Item = &'r Row>,
) -> Result<HashMap<(Uuid, String), Vec<UpdateRow>>, StoreError> {
    let (mut accounts, wamids): (Vec<Uuid>, Vec<&str>) =
        rows.filter_map(|row| Some((row.account_id, row.wamid.as_deref()?))).unzip();
    accounts.dedup();
    let statement = sql(UPDATES)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Uuids, _>(accounts)
        .bind::<types::Texts, _>(wamids)
        .bind::<types::Texts, _>(DeliveryStatus::by_rank().into_iter().map(<&str>::from).collect::<Vec<_>>());
    let found: Vec<UpdateRow> = Prepared(statement).load(tx.connection()).await.or_store_error()?;
    let mut updates: HashMap<_, Vec<UpdateRow>> = HashMap::new();
    for update in found {
        updates.entry((update.account_id, update.wamid.clone())).or_default().push(update);
    }
    Ok(updates)
}

fn into_message(
    row: Row,
    payload: Option<String>,
    quoted_id: Option<Uuid>,
    updates: Vec<UpdateRow>,
) -> Result<Message, StoreError> {
    let (mime_type, sha256, caption, filename) =
        (row.media_mime_type, row.media_sha256, row.media_caption, row.media_filename);
    let (steps, reactions): (Vec<_>, Vec<_>) = updates.into_iter().partition(|update| update.kind == "status");
    Ok(Message {
        id: MessageId::from_uuid(row.id),
        conversation: ConversationId::from_uuid(
            row.conversation_id.ok_or(StoreError::Other("a message of a list has no conversation".into()))?,
        ),
        wamid: row.wamid,
        direction: closed_set::parse(&row.direction, "messages.direction")?,
        origin: closed_set::parse(&row.origin, "messages.origin")?,
        kind: row.kind,
        text: row.text,
        parts: content_parts::parse(row.parts.as_deref())?,
        media: row.media_id.map(|id| Media { id, mime_type, sha256, caption, filename }),
        reply_to: row.reply_to_wamid.map(|wamid| ReplyTo { wamid, message: quoted_id.map(MessageId::from_uuid) }),
        forwarded: closed_set::parse_optional(row.forwarded.as_deref(), "messages.forwarded")?,
        referral: row.referral,
        reactions: latest_reactions(reactions),
        delivery: closed_set::parse_optional(row.delivery_status.as_deref(), "messages.delivery_status")?,
        delivery_steps: steps.into_iter().map(UpdateRow::into_step).collect(),
        edited_at: row.edited_at,
        revoked_at: row.revoked_at,
        payload,
        provider_timestamp: row.provider_timestamp,
        arrival: Arrival::new(row.arrival),
        created_at: row.created_at,
    })
}

/// The last reaction of each person, unless it was removed.
fn latest_reactions(updates: Vec<UpdateRow>) -> Vec<Reaction> {
    let mut latest: Vec<(Option<Uuid>, Option<String>)> = Vec::new();
    for update in updates {
        latest.retain(|(contact, _)| *contact != update.contact_id);
        latest.push((update.contact_id, update.value));
    }
    let reaction = |(contact, emoji): (Option<Uuid>, Option<String>)| {
        Some(Reaction { emoji: emoji?, contact: contact.map(ContactId::from_uuid) })
    };
    latest.into_iter().filter_map(reaction).collect()
}

impl UpdateRow {
    fn into_step(self) -> DeliveryStep {
        // The key is the status and, after a colon, the participant.
        let participant = self.key.split_once(':').map(|(_, participant)| participant.to_owned());
        DeliveryStep {
            status: self.value.unwrap_or_default(),
            participant: participant.filter(|participant| !participant.is_empty()),
            occurred_at: self.occurred_at,
            payload: self.payload,
        }
    }
}
