use chrono::{DateTime, Utc};
use std::collections::HashMap;

use crm::{DeliveryStep, Media, Message, Reaction, ReplyTo};
use diesel::{ExpressionMethods, NullableExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::RunQueryDsl;
use kernel::ids::{ContactId, ConversationId, MessageId};
use kernel::{Cursor, Page, PageRequest, StoreError};
use uuid::Uuid;

use crate::closed_set;
use crate::error::OrStoreError;
use crate::keyset::continue_after;
use crate::schema::{message_updates, messages};
use crate::transaction::{Tenant, Tx};

diesel::alias!(messages as quoted: Quoted);

#[derive(Queryable, Selectable)]
#[diesel(table_name = messages)]
struct Row {
    id: Uuid,
    account_id: Uuid,
    wamid: String,
    direction: String,
    origin: String,
    kind: String,
    text: String,
    media_id: Option<String>,
    media_mime_type: Option<String>,
    media_sha256: Option<String>,
    media_caption: Option<String>,
    media_filename: Option<String>,
    reply_to_wamid: Option<String>,
    forwarded: Option<String>,
    referral: Option<String>,
    payload: String,
    delivery_status: Option<String>,
    edited_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    provider_timestamp: DateTime<Utc>,
    created_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
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

/// The messages of a conversation, latest first. Quoted messages are looked up on reading, as they may be stored after their
/// replies.
pub(super) async fn of_conversation(
    tx: &mut Tx<Tenant>,
    conversation: ConversationId,
    page: &PageRequest,
) -> Result<Page<Message>, StoreError> {
    let quoted_id = quoted
        .filter(quoted.field(messages::tenant_id).eq(messages::tenant_id))
        .filter(quoted.field(messages::account_id).eq(messages::account_id))
        .filter(quoted.field(messages::wamid).nullable().eq(messages::reply_to_wamid))
        .select(quoted.field(messages::id))
        .single_value();
    let mut query = messages::table
        .filter(messages::tenant_id.eq(tx.tenant_id()))
        .filter(messages::conversation_id.eq(conversation.as_uuid()))
        .order((messages::provider_timestamp.desc(), messages::id.desc()))
        .limit(page.limit.plus_one())
        .select((Row::as_select(), quoted_id))
        .into_boxed();
    query = continue_after(query, page.after, messages::provider_timestamp, messages::id);
    let rows: Vec<(Row, Option<Uuid>)> = query.load(tx.connection()).await.or_store_error()?;
    let mut updates = updates_of(tx, rows.iter().map(|(row, _)| row)).await?;
    let messages = rows.into_iter().map(|(row, quoted_id)| {
        let updates = updates.remove(&(row.account_id, row.wamid.clone())).unwrap_or_default();
        into_message(row, quoted_id, conversation, updates)
    });
    let messages = messages.collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(messages, page.limit, |message| Cursor { time: message.provider_timestamp, id: message.id.as_uuid() }))
}

/// The statuses and reactions of messages, in the order of their times.
async fn updates_of<'r>(
    tx: &mut Tx<Tenant>,
    rows: impl Iterator<Item = &'r Row>,
) -> Result<HashMap<(Uuid, String), Vec<UpdateRow>>, StoreError> {
    let (mut accounts, wamids): (Vec<Uuid>, Vec<&str>) = rows.map(|row| (row.account_id, row.wamid.as_str())).unzip();
    accounts.dedup();
    let found: Vec<UpdateRow> = message_updates::table
        .filter(message_updates::tenant_id.eq(tx.tenant_id()))
        .filter(message_updates::account_id.eq_any(accounts))
        .filter(message_updates::wamid.eq_any(wamids))
        .filter(message_updates::kind.eq_any(["status", "reaction"]))
        .order((message_updates::occurred_at, message_updates::key))
        .select(UpdateRow::as_select())
        .load(tx.connection())
        .await
        .or_store_error()?;
    let mut updates: HashMap<_, Vec<UpdateRow>> = HashMap::new();
    for update in found {
        updates.entry((update.account_id, update.wamid.clone())).or_default().push(update);
    }
    Ok(updates)
}

fn into_message(
    row: Row,
    quoted_id: Option<Uuid>,
    conversation: ConversationId,
    updates: Vec<UpdateRow>,
) -> Result<Message, StoreError> {
    let (mime_type, sha256, caption, filename) =
        (row.media_mime_type, row.media_sha256, row.media_caption, row.media_filename);
    let (steps, reactions): (Vec<_>, Vec<_>) = updates.into_iter().partition(|update| update.kind == "status");
    Ok(Message {
        id: MessageId::from_uuid(row.id),
        conversation,
        wamid: row.wamid,
        direction: closed_set::parse(&row.direction, "messages.direction")?,
        origin: closed_set::parse(&row.origin, "messages.origin")?,
        kind: row.kind,
        text: row.text,
        media: row.media_id.map(|id| Media { id, mime_type, sha256, caption, filename }),
        reply_to: row.reply_to_wamid.map(|wamid| ReplyTo { wamid, message: quoted_id.map(MessageId::from_uuid) }),
        forwarded: closed_set::parse_optional(row.forwarded.as_deref(), "messages.forwarded")?,
        referral: row.referral,
        reactions: latest_reactions(reactions),
        delivery: closed_set::parse_optional(row.delivery_status.as_deref(), "messages.delivery_status")?,
        delivery_steps: steps.into_iter().map(UpdateRow::into_step).collect(),
        edited_at: row.edited_at,
        revoked_at: row.revoked_at,
        payload: row.payload,
        provider_timestamp: row.provider_timestamp,
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
