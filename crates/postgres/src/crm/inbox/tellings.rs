use crm::Media;
use crm::inbox::Telling;
use kernel::ids::ConversationId;
use kernel::{DeliveryStatus, StoreError};

use super::super::content_parts;
use super::messages::of_messages;
use crate::sql::{sql, types};
use crate::transaction::{Tenant, Tx};

/// Completes messages as [`Telling`] specifies it. The contact's history shows the text of the message and its time, so it is
/// completed, too; not its other interactions, such as a failed delivery. `$19` are the delivery statuses by rank.
const COMPLETE: &str = "
WITH new AS (
  SELECT * FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $20, $21, $22, $23, $25) AS new
    (account_id, wamid, kind, text, media_id, media_mime_type, media_sha256, media_caption, media_filename,
     reply_to_wamid, forwarded, referral, payload, delivery_status, provider_timestamp, arrival, conversation_id,
     origin, direction, has_better_content, has_higher_rank, parts)
), completed AS (
  UPDATE messages m
     SET kind = CASE WHEN new.has_better_content THEN new.kind ELSE m.kind END,
         text = CASE WHEN new.has_better_content THEN new.text ELSE m.text END,
         parts = CASE WHEN new.has_better_content THEN new.parts ELSE m.parts END,
         payload = CASE WHEN new.has_better_content THEN new.payload ELSE m.payload END,
         media_id = CASE WHEN new.has_better_content THEN new.media_id ELSE m.media_id END,
         media_mime_type = CASE WHEN new.has_better_content THEN new.media_mime_type ELSE m.media_mime_type END,
         media_sha256 = CASE WHEN new.has_better_content THEN new.media_sha256 ELSE m.media_sha256 END,
         media_caption = CASE WHEN new.has_better_content THEN new.media_caption ELSE m.media_caption END,
         media_filename = CASE WHEN new.has_better_content THEN new.media_filename ELSE m.media_filename END,
         reply_to_wamid = CASE WHEN new.has_better_content THEN coalesce(new.reply_to_wamid, m.reply_to_wamid)
                               ELSE coalesce(m.reply_to_wamid, new.reply_to_wamid) END,
         forwarded = CASE WHEN new.has_better_content THEN coalesce(new.forwarded, m.forwarded)
                          ELSE coalesce(m.forwarded, new.forwarded) END,
         referral = CASE WHEN new.has_better_content THEN coalesce(new.referral, m.referral)
                         ELSE coalesce(m.referral, new.referral) END,
         origin = CASE WHEN new.has_higher_rank THEN new.origin ELSE m.origin END,
         provider_timestamp = CASE WHEN new.has_higher_rank THEN new.provider_timestamp ELSE m.provider_timestamp END,
         delivery_status = CASE WHEN m.direction = 'outbound'
                                THEN ($19)[greatest(array_position($19, m.delivery_status), array_position($19, new.delivery_status))]
                           END,
         arrival = least(m.arrival, new.arrival),
         conversation_id = coalesce(new.conversation_id, m.conversation_id),
         unread_in = CASE WHEN m.direction = 'inbound' AND m.origin <> 'live' AND new.origin = 'live'
                          THEN (SELECT c.reads FROM conversations c
                                 WHERE c.tenant_id = $1 AND c.id = coalesce(new.conversation_id, m.conversation_id))
                          ELSE m.unread_in END
    FROM new
   WHERE m.tenant_id = $1 AND m.account_id = new.account_id AND m.wamid = new.wamid
  RETURNING m.id, m.text, m.provider_timestamp, m.arrival, new.has_better_content
)
UPDATE interactions i
   SET text = CASE WHEN c.has_better_content THEN app.preview(c.text) ELSE i.text END,
       occurred_at = c.provider_timestamp, arrival = c.arrival
  FROM completed c
 WHERE i.tenant_id = $1 AND i.message_id = c.id AND i.kind = ANY ($24)
   AND (c.has_better_content OR (i.occurred_at, i.arrival) IS DISTINCT FROM (c.provider_timestamp, c.arrival))";

pub(super) async fn complete(tx: &mut Tx<Tenant>, tellings: &[Telling]) -> Result<(), StoreError> {
    fn column<'t, T>(tellings: &'t [Telling], read: impl Fn(&'t Telling) -> T) -> Vec<T> {
        tellings.iter().map(read).collect()
    }
    fn media<'t>(tellings: &'t [Telling], read: fn(&'t Media) -> Option<&'t str>) -> Vec<Option<&'t str>> {
        column(tellings, |it| it.message.media.as_ref().and_then(read))
    }
    let tenant = tx.tenant_id();
    let ranked: Vec<&str> = DeliveryStatus::by_rank().into_iter().map(<&str>::from).collect();
    let statement = sql(COMPLETE)
        .bind::<types::Uuid, _>(tenant)
        .bind::<types::Uuids, _>(column(tellings, |it| it.message.account.as_uuid()))
        .bind::<types::Texts, _>(column(tellings, |it| it.message.wamid.as_str()))
        .bind::<types::Texts, _>(column(tellings, |it| it.message.kind.as_str()))
        .bind::<types::Texts, _>(column(tellings, |it| it.message.text.as_str()))
        .bind::<types::MaybeTexts, _>(media(tellings, |media| Some(&media.id)))
        .bind::<types::MaybeTexts, _>(media(tellings, |media| media.mime_type.as_deref()))
        .bind::<types::MaybeTexts, _>(media(tellings, |media| media.sha256.as_deref()))
        .bind::<types::MaybeTexts, _>(media(tellings, |media| media.caption.as_deref()))
        .bind::<types::MaybeTexts, _>(media(tellings, |media| media.filename.as_deref()))
        .bind::<types::MaybeTexts, _>(column(tellings, |it| it.message.reply_to.as_deref()))
        .bind::<types::MaybeTexts, _>(column(tellings, |it| it.message.forwarded.map(<&str>::from)))
        .bind::<types::MaybeTexts, _>(column(tellings, |it| it.message.referral.as_deref()))
        .bind::<types::Texts, _>(column(tellings, |it| it.message.payload.as_str()))
        .bind::<types::MaybeTexts, _>(column(tellings, |it| it.message.delivery.map(<&str>::from)))
        .bind::<types::Times, _>(column(tellings, |it| it.message.provider_timestamp))
        .bind::<types::BigInts, _>(column(tellings, |it| it.message.arrival.get()))
        .bind::<types::MaybeUuids, _>(column(tellings, |it| it.message.conversation.map(ConversationId::as_uuid)))
        .bind::<types::Texts, _>(ranked)
        .bind::<types::Texts, _>(column(tellings, |it| it.message.origin.into_str()))
        .bind::<types::Texts, _>(column(tellings, |it| it.message.direction.into_str()))
        .bind::<types::Bools, _>(column(tellings, |it| it.has_better_content))
        .bind::<types::Bools, _>(column(tellings, |it| it.has_higher_rank))
        .bind::<types::Texts, _>(of_messages())
        .bind::<types::Texts, _>(column(tellings, |it| content_parts::json(&it.message.parts)));
    tx.execute(statement).await?;
    Ok(())
}
