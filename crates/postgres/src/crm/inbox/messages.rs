use std::collections::HashMap;

use chrono::{DateTime, Utc};
use crm::inbox::{MessageKey, NewMessage};
use crm::{InteractionKind, Media};
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::{AccountId, ConversationId};
use uuid::Uuid;

use super::super::content_parts;
use super::message_keys::columns;
use crate::error::OrStoreError;
use crate::sql::{Id, Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

const STORED_KINDS: &str = "
SELECT m.account_id, m.wamid, m.kind FROM messages m
  JOIN unnest($2, $3) AS wanted (account_id, wamid) ON wanted.account_id = m.account_id AND wanted.wamid = m.wamid
 WHERE m.tenant_id = $1";

const INSERT: &str = "
INSERT INTO messages
  (tenant_id, created_at, id, conversation_id, contact_id, account_id, wamid, direction, origin, group_id, kind, text, parts,
   media_id, media_mime_type, media_sha256, media_caption, media_filename, reply_to_wamid, forwarded, referral, payload,
   delivery_status, provider_timestamp)
SELECT $1, $2, new.*
  FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24) AS new";

/// The contact's history shows the text of the message, so it is updated, too; not its other interactions, such as a failed
/// delivery.
const FILL_PLACEHOLDERS: &str = "
WITH new AS (
  SELECT * FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) AS new
    (account_id, wamid, kind, text, parts, media_id, media_mime_type, media_sha256, media_caption, media_filename,
     reply_to_wamid, forwarded, referral, payload)
), filled AS (
  UPDATE messages m
     SET kind = new.kind, text = new.text, parts = new.parts, media_id = new.media_id, media_mime_type = new.media_mime_type,
         media_sha256 = new.media_sha256, media_caption = new.media_caption, media_filename = new.media_filename,
         reply_to_wamid = coalesce(new.reply_to_wamid, m.reply_to_wamid),
         forwarded = coalesce(new.forwarded, m.forwarded), referral = coalesce(new.referral, m.referral),
         payload = new.payload
    FROM new
   WHERE m.tenant_id = $1 AND m.account_id = new.account_id AND m.wamid = new.wamid
  RETURNING m.id, m.text, m.conversation_id
), history AS (
  UPDATE interactions i SET text = app.preview(f.text)
    FROM filled f
   WHERE i.tenant_id = $1 AND i.message_id = f.id AND i.kind = ANY ($16)
)
SELECT DISTINCT conversation_id AS id FROM filled WHERE conversation_id IS NOT NULL";

#[derive(diesel::QueryableByName)]
struct KindRow {
    #[diesel(sql_type = types::Uuid)]
    account_id: Uuid,
    #[diesel(sql_type = types::Text)]
    wamid: String,
    #[diesel(sql_type = types::Text)]
    kind: String,
}

pub(super) async fn stored_kinds(
    tx: &mut Tx<Tenant>,
    keys: &[MessageKey],
) -> Result<HashMap<MessageKey, String>, StoreError> {
    let tenant = tx.tenant_id();
    let (accounts, wamids) = columns(keys);
    let statement = Prepared(
        sql(STORED_KINDS)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Uuids, _>(accounts)
            .bind::<types::Texts, _>(wamids),
    );
    let rows: Vec<KindRow> = statement.load(tx.connection()).await.or_store_error()?;
    Ok(rows.into_iter().map(|row| ((AccountId::from_uuid(row.account_id), row.wamid), row.kind)).collect())
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
        .bind::<types::Times, _>(column(new, |m| m.provider_timestamp));
    tx.execute(statement).await?;
    Ok(())
}

pub(super) async fn fill_placeholders(
    tx: &mut Tx<Tenant>,
    placeholder_contents: &[NewMessage],
) -> Result<Vec<ConversationId>, StoreError> {
    let tenant = tx.tenant_id();
    let statement = Prepared(
        sql(FILL_PLACEHOLDERS)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Uuids, _>(column(placeholder_contents, |m| m.account.as_uuid()))
            .bind::<types::Texts, _>(column(placeholder_contents, |m| m.wamid.as_str()))
            .bind::<types::Texts, _>(column(placeholder_contents, |m| m.kind.as_str()))
            .bind::<types::Texts, _>(column(placeholder_contents, |m| m.text.as_str()))
            .bind::<types::Texts, _>(column(placeholder_contents, |m| content_parts::json(&m.parts)))
            .bind::<types::MaybeTexts, _>(media_column(placeholder_contents, |media| Some(&media.id)))
            .bind::<types::MaybeTexts, _>(media_column(placeholder_contents, |media| media.mime_type.as_deref()))
            .bind::<types::MaybeTexts, _>(media_column(placeholder_contents, |media| media.sha256.as_deref()))
            .bind::<types::MaybeTexts, _>(media_column(placeholder_contents, |media| media.caption.as_deref()))
            .bind::<types::MaybeTexts, _>(media_column(placeholder_contents, |media| media.filename.as_deref()))
            .bind::<types::MaybeTexts, _>(column(placeholder_contents, |m| m.reply_to.as_deref()))
            .bind::<types::MaybeTexts, _>(column(placeholder_contents, |m| m.forwarded.map(<&str>::from)))
            .bind::<types::MaybeTexts, _>(column(placeholder_contents, |m| m.referral.as_deref()))
            .bind::<types::Texts, _>(column(placeholder_contents, |m| m.payload.as_str()))
            .bind::<types::Texts, _>(of_messages()),
    );
    let rows: Vec<Id> = statement.load(tx.connection()).await.or_store_error()?;
    Ok(rows.into_iter().map(|row| ConversationId::from_uuid(row.id)).collect())
}
