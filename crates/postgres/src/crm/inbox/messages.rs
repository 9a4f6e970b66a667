use std::collections::HashMap;

use chrono::{DateTime, Utc};
use crm::inbox::{MessageKey, NewMessage, StoredMessage};
use crm::{InteractionKind, Media};
use diesel::sql_types::Nullable;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::{AccountId, ContactId, ConversationId};
use uuid::Uuid;

use super::super::content_parts;
use super::message_keys::columns;
use crate::closed_set;
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

const STORED: &str = "
SELECT m.account_id, m.wamid, m.kind, m.direction, m.origin, m.contact_id, m.conversation_id, m.payload FROM messages m
  JOIN unnest($2, $3) AS wanted (account_id, wamid) ON wanted.account_id = m.account_id AND wanted.wamid = m.wamid
 WHERE m.tenant_id = $1";

const INSERT: &str = "
INSERT INTO messages
  (tenant_id, created_at, id, conversation_id, contact_id, account_id, wamid, direction, origin, group_id, kind, text, parts,
   media_id, media_mime_type, media_sha256, media_caption, media_filename, reply_to_wamid, forwarded, referral, payload,
   delivery_status, provider_timestamp, arrival, unread_in)
SELECT $1, $2, new.*,
       CASE WHEN new.direction = 'inbound' AND new.origin = 'live'
            THEN (SELECT c.reads FROM conversations c WHERE c.tenant_id = $1 AND c.id = new.conversation_id) END
  FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25) AS new
    (id, conversation_id, contact_id, account_id, wamid, direction, origin, group_id, kind, text, parts, media_id, media_mime_type,
     media_sha256, media_caption, media_filename, reply_to_wamid, forwarded, referral, payload, delivery_status,
     provider_timestamp, arrival)";

#[derive(diesel::QueryableByName)]
struct StoredRow {
    #[diesel(sql_type = types::Uuid)]
    account_id: Uuid,
    #[diesel(sql_type = types::Text)]
    wamid: String,
    #[diesel(sql_type = types::Text)]
    kind: String,
    #[diesel(sql_type = types::Text)]
    direction: String,
    #[diesel(sql_type = types::Text)]
    origin: String,
    #[diesel(sql_type = types::Uuid)]
    contact_id: Uuid,
    #[diesel(sql_type = Nullable<types::Uuid>)]
    conversation_id: Option<Uuid>,
    #[diesel(sql_type = types::Text)]
    payload: String,
}

pub(super) async fn stored(
    tx: &mut Tx<Tenant>,
    keys: &[MessageKey],
) -> Result<HashMap<MessageKey, StoredMessage>, StoreError> {
    let tenant = tx.tenant_id();
    let (accounts, wamids) = columns(keys);
    let statement = Prepared(
        sql(STORED).bind::<types::Uuid, _>(tenant).bind::<types::Uuids, _>(accounts).bind::<types::Texts, _>(wamids),
    );
    let rows: Vec<StoredRow> = statement.load(tx.connection()).await.or_store_error()?;
    rows.into_iter().map(StoredRow::into_stored).collect()
}

impl StoredRow {
    fn into_stored(self) -> Result<(MessageKey, StoredMessage), StoreError> {
        let stored = StoredMessage {
            kind: self.kind,
            direction: closed_set::parse(&self.direction, "messages.direction")?,
            origin: closed_set::parse(&self.origin, "messages.origin")?,
            contact: ContactId::from_uuid(self.contact_id),
            conversation: self.conversation_id.map(ConversationId::from_uuid),
            payload: self.payload,
        };
        Ok(((AccountId::from_uuid(self.account_id), self.wamid), stored))
    }
}

/// The kinds of interactions that show the text of their message.
pub(in crate::crm) fn of_messages() -> Vec<&'static str> {
    InteractionKind::WITH_TEXT_OF_MESSAGE.iter().map(InteractionKind::into_str).collect()
}

fn column<'m, T>(messages: &'m [NewMessage], read: impl Fn(&'m NewMessage) -> T) -> Vec<T> {
    messages.iter().map(read).collect()
}

fn media_column<'m>(messages: &'m [NewMessage], read: fn(&'m Media) -> Option<&'m str>) -> Vec<Option<&'m str>> {
    column(messages, |message| message.media.as_ref().and_then(read))
}

pub(super) async fn insert(tx: &mut Tx<Tenant>, new: &[NewMessage], now: DateTime<Utc>) -> Result<(), StoreError> {
    let tenant = tx.tenant_id();
    let statement = sql(INSERT)
        .bind::<types::Uuid, _>(tenant)
        .bind::<types::Timestamptz, _>(now)
        .bind::<types::Uuids, _>(column(new, |m| m.id.as_uuid()))
        .bind::<types::MaybeUuids, _>(column(new, |m| m.conversation.map(ConversationId::as_uuid)))
        .bind::<types::Uuids, _>(column(new, |m| m.contact.as_uuid()))
        .bind::<types::Uuids, _>(column(new, |m| m.account.as_uuid()))
        .bind::<types::Texts, _>(column(new, |m| m.wamid.as_str()))
        .bind::<types::Texts, _>(column(new, |m| m.direction.into_str()))
        .bind::<types::Texts, _>(column(new, |m| m.origin.into_str()))
        .bind::<types::MaybeTexts, _>(column(new, |m| m.group_id.as_deref()))
        .bind::<types::Texts, _>(column(new, |m| m.kind.as_str()))
        .bind::<types::Texts, _>(column(new, |m| m.text.as_str()))
        .bind::<types::Texts, _>(column(new, |m| content_parts::json(&m.parts)))
        .bind::<types::MaybeTexts, _>(media_column(new, |media| Some(&media.id)))
        .bind::<types::MaybeTexts, _>(media_column(new, |media| media.mime_type.as_deref()))
        .bind::<types::MaybeTexts, _>(media_column(new, |media| media.sha256.as_deref()))
        .bind::<types::MaybeTexts, _>(media_column(new, |media| media.caption.as_deref()))
        .bind::<types::MaybeTexts, _>(media_column(new, |media| media.filename.as_deref()))
        .bind::<types::MaybeTexts, _>(column(new, |m| m.reply_to.as_deref()))
        .bind::<types::MaybeTexts, _>(column(new, |m| m.forwarded.map(<&str>::from)))
        .bind::<types::MaybeTexts, _>(column(new, |m| m.referral.as_deref()))
        .bind::<types::Texts, _>(column(new, |m| m.payload.as_str()))
        .bind::<types::MaybeTexts, _>(column(new, |m| m.delivery.map(<&str>::from)))
        .bind::<types::Times, _>(column(new, |m| m.provider_timestamp))
        .bind::<types::BigInts, _>(column(new, |m| m.arrival.get()));
    tx.execute(statement).await?;
    Ok(())
}
