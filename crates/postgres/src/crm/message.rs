use chrono::{DateTime, Utc};
use crm::{Delivery, Direction, Media, Message, ReplyTo};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, QueryDsl, Queryable, Selectable,
    SelectableHelper,
};
use diesel_async::RunQueryDsl;
use kernel::ids::{ConversationId, MessageId};
use kernel::{Cursor, Page, PageRequest, StoreError};
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::keyset::continue_after;
use crate::schema::messages;
use crate::transaction::{Tenant, Tx};

diesel::alias!(messages as quoted: Quoted);

#[derive(Queryable, Selectable)]
#[diesel(table_name = messages)]
struct Row {
    id: Uuid,
    conversation_id: Uuid,
    wamid: String,
    direction: String,
    kind: String,
    text: String,
    media_id: Option<String>,
    media_mime_type: Option<String>,
    media_sha256: Option<String>,
    media_caption: Option<String>,
    media_filename: Option<String>,
    reply_to_wamid: Option<String>,
    referral: Option<String>,
    payload: String,
    delivery_status: Option<String>,
    edited_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    provider_timestamp: DateTime<Utc>,
    created_at: DateTime<Utc>,
}

/// The messages of a conversation, latest first. The quoted message is looked up now, not when the reply was stored: it may
/// have come later.
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
        .limit(page.limit.and_one())
        .select((Row::as_select(), quoted_id))
        .into_boxed();
    continue_after!(query, page.after, messages::provider_timestamp, messages::id);
    let rows: Vec<(Row, Option<Uuid>)> = query.load(tx.connection()).await.or_store_error()?;
    let messages = rows.into_iter().map(into_message).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(messages, page.limit, |message| Cursor { time: message.provider_timestamp, id: message.id.as_uuid() }))
}

fn into_message((row, quoted_id): (Row, Option<Uuid>)) -> Result<Message, StoreError> {
    let (mime_type, sha256, caption, filename) =
        (row.media_mime_type, row.media_sha256, row.media_caption, row.media_filename);
    Ok(Message {
        id: MessageId::from_uuid(row.id),
        conversation: ConversationId::from_uuid(row.conversation_id),
        wamid: row.wamid,
        direction: match row.direction.as_str() {
            "inbound" => Direction::Inbound,
            "outbound" => Direction::Outbound,
            _ => return Err(StoreError::corrupt("messages.direction")),
        },
        kind: row.kind,
        text: row.text,
        media: row.media_id.map(|id| Media { id, mime_type, sha256, caption, filename }),
        reply_to: row.reply_to_wamid.map(|wamid| ReplyTo { wamid, message: quoted_id.map(MessageId::from_uuid) }),
        referral: row.referral,
        delivery: row.delivery_status.as_deref().map(delivery).transpose()?,
        edited_at: row.edited_at,
        revoked_at: row.revoked_at,
        payload: row.payload,
        provider_timestamp: row.provider_timestamp,
        created_at: row.created_at,
    })
}

fn delivery(text: &str) -> Result<Delivery, StoreError> {
    match text {
        "pending" => Ok(Delivery::Pending),
        "sent" => Ok(Delivery::Sent),
        "delivered" => Ok(Delivery::Delivered),
        "read" => Ok(Delivery::Read),
        "played" => Ok(Delivery::Played),
        "failed" => Ok(Delivery::Failed),
        _ => Err(StoreError::corrupt("messages.delivery_status")),
    }
}
