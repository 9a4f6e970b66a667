use chrono::{DateTime, Utc};
use crm::Interaction;
use kernel::StoreError;
use kernel::ids::{ContactId, MessageId, UserId};
use uuid::Uuid;

use crate::sql::{sql, types};
use crate::transaction::{Tenant, Tx};

/// A note is stored nowhere else, so its whole text is kept.
const INSERT_INTERACTIONS: &str = "
INSERT INTO interactions
  (tenant_id, created_at, id, contact_id, kind, text, actor_id, message_id, source, occurred_at)
SELECT $1, $2, id, contact_id, kind, CASE WHEN kind = 'note' THEN text ELSE app.preview(text) END, actor_id, message_id, source, occurred_at
  FROM unnest($3, $4, $5, $6, $7, $8, $9, $10) AS new
    (id, contact_id, kind, text, actor_id, message_id, source, occurred_at)
    ON CONFLICT DO NOTHING";

/// The latest consent counts, within the batch and against the stored one; of two at the same time, the withdrawal.
const RECORD_CONSENT: &str = "
UPDATE contacts c
   SET marketing_consent = CASE WHEN new.granted THEN 'granted' ELSE 'withdrawn' END, marketing_consent_at = new.said_at
  FROM (SELECT DISTINCT ON (id) * FROM unnest($2, $3, $4) AS new (id, granted, said_at) ORDER BY id, said_at DESC, granted) new
 WHERE c.tenant_id = $1 AND c.id = new.id
   AND (c.marketing_consent_at IS NULL OR c.marketing_consent_at < new.said_at
        OR (c.marketing_consent_at = new.said_at AND NOT new.granted))";

const APPLY_ADDRESS_BOOK_NAMES: &str = "
UPDATE contacts c SET display_name = new.name, name_source = 'address_book', name_at = new.said_at
  FROM (SELECT DISTINCT ON (id) * FROM unnest($2, $3, $4) AS new (id, name, said_at) ORDER BY id, said_at DESC, name) new
 WHERE c.tenant_id = $1 AND c.id = new.id
   AND (c.name_source = 'profile' OR (c.name_source = 'address_book' AND (c.name_at IS NULL OR c.name_at <= new.said_at)))";

pub(super) async fn insert_interactions(
    tx: &mut Tx<Tenant>,
    new: &[Interaction],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    fn column<'i, T>(interactions: &'i [Interaction], read: impl Fn(&'i Interaction) -> T) -> Vec<T> {
        interactions.iter().map(read).collect()
    }
    let tenant = tx.tenant_id();
    let statement = sql(INSERT_INTERACTIONS)
        .bind::<types::Uuid, _>(tenant)
        .bind::<types::Timestamptz, _>(now)
        .bind::<types::Uuids, _>(column(new, |i| i.id.as_uuid()))
        .bind::<types::Uuids, _>(column(new, |i| i.contact.as_uuid()))
        .bind::<types::Texts, _>(column(new, |i| i.kind.into_str()))
        .bind::<types::Texts, _>(column(new, |i| i.text.as_str()))
        .bind::<types::MaybeUuids, _>(column(new, |i| i.actor.map(UserId::as_uuid)))
        .bind::<types::MaybeUuids, _>(column(new, |i| i.message.map(MessageId::as_uuid)))
        .bind::<types::MaybeTexts, _>(column(new, |i| i.source.as_deref()))
        .bind::<types::Times, _>(column(new, |i| i.occurred_at));
    tx.execute(statement).await?;
    Ok(())
}

pub(super) async fn record_consent(
    tx: &mut Tx<Tenant>,
    consent: &[(ContactId, bool, DateTime<Utc>)],
) -> Result<(), StoreError> {
    let tenant = tx.tenant_id();
    let contacts: Vec<Uuid> = consent.iter().map(|(contact, ..)| contact.as_uuid()).collect();
    let statement = sql(RECORD_CONSENT)
        .bind::<types::Uuid, _>(tenant)
        .bind::<types::Uuids, _>(contacts)
        .bind::<types::Bools, _>(consent.iter().map(|(_, granted, _)| *granted).collect::<Vec<_>>())
        .bind::<types::Times, _>(consent.iter().map(|(.., at)| *at).collect::<Vec<_>>());
    tx.execute(statement).await?;
    Ok(())
}

pub(super) async fn apply_address_book_names(
    tx: &mut Tx<Tenant>,
    names: &[(ContactId, String, DateTime<Utc>)],
) -> Result<(), StoreError> {
    let tenant = tx.tenant_id();
    let contacts: Vec<Uuid> = names.iter().map(|(contact, ..)| contact.as_uuid()).collect();
    let statement = sql(APPLY_ADDRESS_BOOK_NAMES)
        .bind::<types::Uuid, _>(tenant)
        .bind::<types::Uuids, _>(contacts)
        .bind::<types::Texts, _>(names.iter().map(|(_, name, _)| name.as_str()).collect::<Vec<_>>())
        .bind::<types::Times, _>(names.iter().map(|(.., at)| *at).collect::<Vec<_>>());
    tx.execute(statement).await?;
    Ok(())
}
