use std::collections::HashSet;

use chrono::{DateTime, Utc};
use crm::inbox::Moment;
use crm::{Interaction, InteractionKind};
use diesel_async::RunQueryDsl;
use kernel::ids::{ApiKeyId, ContactId, MessageId, UserId};
use kernel::{Actor, StoreError};
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

/// Of a source, the telling that arrived first counts.
const DATE_BY_SOURCE: &str = "
UPDATE interactions i SET text = app.preview(new.text), occurred_at = new.occurred_at, arrival = new.arrival
  FROM unnest($2, $3, $4, $5) AS new (source, text, occurred_at, arrival)
 WHERE i.tenant_id = $1 AND i.source = new.source AND new.arrival < i.arrival";

/// A message has failed at the time of the earliest report.
const DATE_FAILURES: &str = "
UPDATE interactions i SET occurred_at = new.occurred_at, arrival = new.arrival
  FROM unnest($2, $3, $4) AS new (message_id, occurred_at, arrival)
 WHERE i.tenant_id = $1 AND i.message_id = new.message_id AND i.kind = $5
   AND (new.occurred_at, new.arrival) < (i.occurred_at, i.arrival)";

/// A note is stored nowhere else, so its whole text is kept. In the order of the arrivals: of two with one source, the first is
/// stored.
const INSERT_INTERACTIONS: &str = "
INSERT INTO interactions
  (tenant_id, created_at, id, contact_id, kind, text, actor_id, api_key_id, message_id, source, occurred_at, arrival,
   account_id, wamid)
SELECT $1, $2, id, contact_id, kind, CASE WHEN kind = 'note' THEN text ELSE app.preview(text) END, actor_id, api_key_id, message_id,
       source, occurred_at, arrival, account_id, wamid
  FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) AS new
    (id, contact_id, kind, text, actor_id, api_key_id, message_id, source, occurred_at, arrival, account_id, wamid)
 ORDER BY arrival
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
UPDATE contacts c
   SET display_name = new.name, name_source = 'address_book', name_at = new.said_at, name_arrival = new.arrival
  FROM (
    SELECT DISTINCT ON (id) * FROM unnest($2, $3, $4, $5) AS new (id, name, said_at, arrival)
     ORDER BY id, said_at DESC, arrival DESC
  ) new
 WHERE c.tenant_id = $1 AND c.id = new.id
   AND (c.name_source = 'profile'
        OR (c.name_source = 'address_book'
            AND (c.name_at IS NULL OR (c.name_at, c.name_arrival) <= (new.said_at, new.arrival))))";

pub(super) async fn insert_interactions(
    tx: &mut Tx<Tenant>,
    new: &[Interaction],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    fn column<'i, T>(interactions: &'i [Interaction], read: impl Fn(&'i Interaction) -> T) -> Vec<T> {
        interactions.iter().map(read).collect()
    }
    let tenant = tx.tenant_id();
    date_stored(tx, new).await?;
    let statement = sql(INSERT_INTERACTIONS)
        .bind::<types::Uuid, _>(tenant)
        .bind::<types::Timestamptz, _>(now)
        .bind::<types::Uuids, _>(column(new, |i| i.id.as_uuid()))
        .bind::<types::Uuids, _>(column(new, |i| i.contact.as_uuid()))
        .bind::<types::Texts, _>(column(new, |i| i.kind.into_str()))
        .bind::<types::Texts, _>(column(new, |i| i.text.as_str()))
        .bind::<types::MaybeUuids, _>(column(new, |i| i.actor.and_then(Actor::user).map(UserId::as_uuid)))
        .bind::<types::MaybeUuids, _>(column(new, |i| i.actor.and_then(Actor::api_key).map(ApiKeyId::as_uuid)))
        .bind::<types::MaybeUuids, _>(column(new, |i| i.message.map(MessageId::as_uuid)))
        .bind::<types::MaybeTexts, _>(column(new, |i| i.source.as_deref()))
        .bind::<types::Times, _>(column(new, |i| i.occurred_at))
        .bind::<types::BigInts, _>(column(new, |i| i.arrival.get()))
        .bind::<types::MaybeUuids, _>(column(new, |i| i.about.as_ref().map(|(account, _)| account.as_uuid())))
        .bind::<types::MaybeTexts, _>(column(new, |i| i.about.as_ref().map(|(_, wamid)| wamid.as_str())));
    tx.execute(statement).await?;
    Ok(())
}

/// Dates interactions that are stored already by other tellings of what they describe.
async fn date_stored(tx: &mut Tx<Tenant>, new: &[Interaction]) -> Result<(), StoreError> {
    let tenant = tx.tenant_id();
    let sourced: Vec<(&str, &Interaction)> = new.iter().filter_map(|it| Some((it.source.as_deref()?, it))).collect();
    if !sourced.is_empty() {
        let statement = sql(DATE_BY_SOURCE)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Texts, _>(sourced.iter().map(|(source, _)| *source).collect::<Vec<_>>())
            .bind::<types::Texts, _>(sourced.iter().map(|(_, it)| it.text.as_str()).collect::<Vec<_>>())
            .bind::<types::Times, _>(sourced.iter().map(|(_, it)| it.occurred_at).collect::<Vec<_>>())
            .bind::<types::BigInts, _>(sourced.iter().map(|(_, it)| it.arrival.get()).collect::<Vec<_>>());
        tx.execute(statement).await?;
    }
    let failed = |it: &&Interaction| it.kind == InteractionKind::DeliveryFailed;
    let failures: Vec<(Uuid, &Interaction)> =
        new.iter().filter(failed).filter_map(|it| Some((it.message?.as_uuid(), it))).collect();
    if !failures.is_empty() {
        let statement = sql(DATE_FAILURES)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Uuids, _>(failures.iter().map(|(message, _)| *message).collect::<Vec<_>>())
            .bind::<types::Times, _>(failures.iter().map(|(_, it)| it.occurred_at).collect::<Vec<_>>())
            .bind::<types::BigInts, _>(failures.iter().map(|(_, it)| it.arrival.get()).collect::<Vec<_>>())
            .bind::<types::Text, _>(InteractionKind::DeliveryFailed.into_str());
        tx.execute(statement).await?;
    }
    Ok(())
}

pub(super) async fn stored_sources(tx: &mut Tx<Tenant>, sources: &[&str]) -> Result<HashSet<String>, StoreError> {
    let statement = sql("SELECT source AS text FROM interactions WHERE tenant_id = $1 AND source = ANY ($2)")
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Texts, _>(sources);
    let rows: Vec<Source> = Prepared(statement).load(tx.connection()).await.or_store_error()?;
    Ok(rows.into_iter().map(|row| row.text).collect())
}

#[derive(diesel::QueryableByName)]
struct Source {
    #[diesel(sql_type = types::Text)]
    text: String,
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
    names: &[(ContactId, String, Moment)],
) -> Result<(), StoreError> {
    let tenant = tx.tenant_id();
    let contacts: Vec<Uuid> = names.iter().map(|(contact, ..)| contact.as_uuid()).collect();
    let statement = sql(APPLY_ADDRESS_BOOK_NAMES)
        .bind::<types::Uuid, _>(tenant)
        .bind::<types::Uuids, _>(contacts)
        .bind::<types::Texts, _>(names.iter().map(|(_, name, _)| name.as_str()).collect::<Vec<_>>())
        .bind::<types::Times, _>(names.iter().map(|(.., (at, _))| *at).collect::<Vec<_>>())
        .bind::<types::BigInts, _>(names.iter().map(|(.., (_, arrival))| arrival.get()).collect::<Vec<_>>());
    tx.execute(statement).await?;
    Ok(())
}
