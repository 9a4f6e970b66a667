use chrono::{DateTime, Utc};
use crm::identity::Merge;
use crm::{Attributes, InteractionKind};
use diesel::sql_types::Jsonb;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use serde_json::Value;
use uuid::Uuid;

use super::contact_jobs;
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

/// In every statement `$1` is the tenant, `$2` the contact that is merged, `$3` the contact that remains.
///
/// Both are locked against concurrent writes. As only one conversation of an account and a contact may be open, and only one be
/// imported, messages of such conversations of the merged contact move to those of the remaining contact.
const LOCK_CONTACTS: &str = "
SELECT id, attributes FROM contacts WHERE tenant_id = $1 AND id IN ($2, $3) ORDER BY id FOR UPDATE";

const LOCK_CONVERSATIONS: &str = "
SELECT id FROM conversations WHERE tenant_id = $1 AND contact_id IN ($2, $3) ORDER BY id FOR UPDATE";

const JOIN_CONVERSATIONS: &str = "
WITH pairs AS MATERIALIZED (
  SELECT DISTINCT ON (f.id)
         f.id AS from_id, i.id AS into_id, f.reads AS from_reads, i.reads AS into_reads, f.call_at, f.call_arrival, f.unread_count, f.version, f.service_window_ends_at, f.assignee_id,
         f.status <> 'closed' AS is_open
    FROM conversations f
    JOIN conversations i ON i.tenant_id = $1 AND i.contact_id = $3 AND i.account_id = f.account_id
   WHERE f.tenant_id = $1 AND f.contact_id = $2
     AND (f.status <> 'closed' AND i.status <> 'closed' OR f.imported AND i.imported)
   ORDER BY f.id, f.status <> 'closed' AND i.status <> 'closed' DESC
), totals AS (
  SELECT into_id, sum(unread_count)::integer AS unread_count, sum(version - 1)::bigint AS version,
         max(service_window_ends_at) AS service_window_ends_at, (array_agg(assignee_id))[1] AS assignee_id,
         bool_or(is_open) AS is_open, max(call_at) AS call_at,
         (array_agg(call_arrival ORDER BY call_at DESC NULLS LAST, call_arrival DESC))[1] AS call_arrival
    FROM pairs GROUP BY into_id
), moved AS (
  UPDATE messages m
     SET conversation_id = p.into_id, unread_in = CASE WHEN m.unread_in = p.from_reads THEN p.into_reads END
    FROM pairs p
   WHERE m.tenant_id = $1 AND m.conversation_id = p.from_id AND NOT $4
), updated AS (
  UPDATE conversations c
     SET unread_count = c.unread_count + t.unread_count,
         version = c.version + t.version,
         service_window_ends_at = greatest(c.service_window_ends_at, t.service_window_ends_at),
         assignee_id = coalesce(c.assignee_id, t.assignee_id),
         call_at = greatest(c.call_at, t.call_at),
         call_arrival = CASE WHEN c.call_at = t.call_at THEN greatest(c.call_arrival, t.call_arrival)
                             WHEN c.call_at IS NULL OR t.call_at > c.call_at THEN t.call_arrival
                             ELSE c.call_arrival END,
         status = CASE WHEN t.is_open THEN 'open' ELSE c.status END
    FROM totals t
   WHERE c.tenant_id = $1 AND c.id = t.into_id
)
SELECT into_id AS id, from_id FROM pairs";

/// Of a large merge, the conversations `$4` stay until their messages have moved.
const MOVE_CONVERSATIONS: &str = "
UPDATE conversations SET contact_id = $3 WHERE tenant_id = $1 AND contact_id = $2 AND NOT (id = ANY ($4))";

/// Those that there may be many of.
const MOVE_MESSAGES: [&str; 3] = [
    "UPDATE messages SET contact_id = $3 WHERE tenant_id = $1 AND contact_id = $2",
    "UPDATE message_updates SET contact_id = $3 WHERE tenant_id = $1 AND contact_id = $2",
    "UPDATE interactions SET contact_id = $3 WHERE tenant_id = $1 AND contact_id = $2",
];

const MOVE_ROWS: [&str; 4] = [
    "WITH windows AS (
       INSERT INTO service_windows AS known (tenant_id, account_id, contact_id, ends_at)
       SELECT tenant_id, account_id, $3, ends_at FROM service_windows WHERE tenant_id = $1 AND contact_id = $2
           ON CONFLICT (tenant_id, account_id, contact_id) DO UPDATE SET ends_at = greatest(known.ends_at, excluded.ends_at)
       RETURNING account_id, ends_at
     )
     UPDATE conversations c SET service_window_ends_at = greatest(c.service_window_ends_at, w.ends_at) FROM windows w
      WHERE c.tenant_id = $1 AND c.contact_id = $3 AND c.account_id = w.account_id AND c.status <> 'closed'",
    "WITH both_have AS (
       DELETE FROM contact_identities f USING contact_identities i
        WHERE f.tenant_id = $1 AND f.contact_id = $2 AND i.tenant_id = $1 AND i.contact_id = $3
          AND i.kind = f.kind AND i.scope = f.scope AND i.value = f.value
       RETURNING f.*
     )
     UPDATE contact_identities i
        SET current = i.current OR b.current, since = least(i.since, b.since), resolves = i.resolves OR b.resolves,
            affirmed_at = greatest(i.affirmed_at, b.affirmed_at),
            superseded_at = greatest(i.superseded_at, b.superseded_at)
       FROM both_have b
      WHERE i.tenant_id = $1 AND i.contact_id = $3 AND i.kind = b.kind AND i.scope = b.scope AND i.value = b.value",
    "UPDATE contact_identities SET contact_id = $3 WHERE tenant_id = $1 AND contact_id = $2",
    "UPDATE contact_merges SET into_id = $3 WHERE tenant_id = $1 AND into_id = $2",
];

/// Fields that are empty in the remaining contact are taken from the other; the latest marketing consent counts. A name of the address
/// book counts before one of a profile, and the latest of two. Attributes are
/// combined as [`Attributes::merged`] says. A column that is
/// not named here is lost with the other contact: see the test.
const COMBINE_FIELDS: &str = "
UPDATE contacts i
   SET display_name = CASE WHEN better_named THEN f.display_name ELSE i.display_name END,
       name_source = CASE WHEN better_named THEN f.name_source ELSE i.name_source END,
       name_at = CASE WHEN better_named THEN f.name_at ELSE i.name_at END,
       name_arrival = CASE WHEN better_named THEN f.name_arrival ELSE i.name_arrival END,
       attributes = $5,
       language = coalesce(i.language, f.language),
       marketing_consent = CASE WHEN later THEN f.marketing_consent ELSE i.marketing_consent END,
       marketing_consent_at = CASE WHEN later THEN f.marketing_consent_at ELSE i.marketing_consent_at END,
       needs_review = i.needs_review OR f.needs_review,
       updated_at = $4
  FROM (
    SELECT f.*, f.marketing_consent <> 'unknown'
             AND (i.marketing_consent = 'unknown'
                  OR coalesce(f.marketing_consent_at, f.created_at) > coalesce(i.marketing_consent_at, i.created_at)) AS later,
           i.display_name = ''
             OR f.display_name <> '' AND f.name_source = 'address_book'
                AND (i.name_source = 'profile'
                     OR i.name_source = 'address_book' AND (f.name_at, f.name_arrival) > (i.name_at, i.name_arrival)) AS better_named
      FROM contacts f, contacts i
     WHERE f.tenant_id = $1 AND f.id = $2 AND i.tenant_id = $1 AND i.id = $3
  ) f
 WHERE i.tenant_id = $1 AND i.id = $3";

/// Only after a merge by events: it cannot be refused. The note's id is that of the contact, which is merged once.
const KEEP_LEFT_OUT_ATTRIBUTES: &str = "
INSERT INTO interactions (tenant_id, created_at, id, contact_id, kind, text, occurred_at)
VALUES ($1, $4, $2, $3, $5, $6, $4)";

const REDIRECT_ID: &str = "
INSERT INTO contact_merges (tenant_id, contact_id, into_id, merged_at) VALUES ($1, $2, $3, $4)";

const DELETE_CONTACT: &str = "DELETE FROM contacts WHERE tenant_id = $1 AND id = $2";

/// Until the job of a large merge deletes it.
const HIDE_CONTACT: &str = "
UPDATE contacts SET removed_at = $4, display_name = '' WHERE tenant_id = $1 AND id = $2 AND id <> $3";

const INSERT_JOB: &str = "
INSERT INTO contact_jobs
  (tenant_id, contact_id, kind, into_id, from_conversations, into_conversations, searched_time, searched_event, created_at)
VALUES ($1, $2, 'merge', $3, $5, $6, $4, $2, $4)";

#[derive(diesel::QueryableByName)]
struct LockedContact {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = Jsonb)]
    attributes: Value,
}

#[derive(diesel::QueryableByName)]
struct JoinedConversation {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = types::Uuid)]
    from_id: Uuid,
}

/// Moves all data of one contact to another, deletes it, and redirects its id. If there is much of it, messages and interactions
/// are moved later, by a job, and so if a job of the tenant is unfinished, since the rows of that one may belong to the contact.
pub(super) async fn merge(tx: &mut Tx<Tenant>, merge: Merge, now: DateTime<Utc>) -> Result<(), StoreError> {
    let (tenant, from, into) = (tx.tenant_id(), merge.from.as_uuid(), merge.into.as_uuid());
    let bind = |statement: &'static str| {
        sql(statement).bind::<types::Uuid, _>(tenant).bind::<types::Uuid, _>(from).bind::<types::Uuid, _>(into)
    };
    let locked: Vec<LockedContact> = Prepared(bind(LOCK_CONTACTS)).load(tx.connection()).await.or_store_error()?;
    let attributes = |id: Uuid| {
        let contact = locked.iter().find(|contact| contact.id == id);
        contact.and_then(|contact| contact.attributes.as_object()).cloned().unwrap_or_default()
    };
    let (own, other) = (attributes(into), attributes(from));
    tx.execute(bind(LOCK_CONVERSATIONS)).await?;
    let is_large = contact_jobs::has_many_rows(tx, from).await? || contact_jobs::has_jobs(tx).await?;
    let join = bind(JOIN_CONVERSATIONS).bind::<types::Bool, _>(is_large);
    let joined: Vec<JoinedConversation> = Prepared(join).load(tx.connection()).await.or_store_error()?;
    let emptied: Vec<Uuid> = joined.iter().map(|joined| joined.from_id).collect();
    if !is_large {
        let delete = sql(contact_jobs::DELETE_MOVED_CONVERSATIONS)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Uuids, _>(&emptied);
        tx.execute(delete).await?;
        for statement in MOVE_MESSAGES {
            tx.execute(bind(statement)).await?;
        }
    }
    tx.execute(bind(MOVE_CONVERSATIONS).bind::<types::Uuids, _>(&emptied)).await?;
    for statement in MOVE_ROWS {
        tx.execute(bind(statement)).await?;
    }
    let attributes = if let Ok(merged) = Attributes::merged(&own, &other) {
        merged
    } else {
        let note = bind(KEEP_LEFT_OUT_ATTRIBUTES)
            .bind::<types::Timestamptz, _>(now)
            .bind::<types::Text, _>(InteractionKind::Note.into_str())
            .bind::<types::Text, _>(Attributes::note_of_left_out(&other));
        tx.execute(note).await?;
        own
    };
    let combine = bind(COMBINE_FIELDS).bind::<types::Timestamptz, _>(now).bind::<Jsonb, _>(Value::Object(attributes));
    tx.execute(combine).await?;
    tx.execute(bind(REDIRECT_ID).bind::<types::Timestamptz, _>(now)).await?;
    let conversations: Vec<Uuid> = joined.into_iter().map(|joined| joined.id).collect();
    if is_large {
        tx.execute(bind(HIDE_CONTACT).bind::<types::Timestamptz, _>(now)).await?;
        let job = bind(INSERT_JOB)
            .bind::<types::Timestamptz, _>(now)
            .bind::<types::Uuids, _>(emptied)
            .bind::<types::Uuids, _>(&conversations);
        tx.execute(job).await?;
    } else {
        tx.execute(sql(DELETE_CONTACT).bind::<types::Uuid, _>(tenant).bind::<types::Uuid, _>(from)).await?;
    }
    super::inbox::refresh(tx, conversations).await
}

#[cfg(test)]
mod tests {
    use diesel::QueryDsl;
    use diesel::pg::Pg;

    use super::*;
    use crate::schema::contacts;

    /// Of the remaining contact. A merge by events does not increase the version: no user has changed the contact.
    const KEPT: [&str; 5] = ["tenant_id", "id", "version", "created_at", "removed_at"];

    #[test]
    fn merge_combines_each_column_of_a_contact() {
        let all = diesel::debug_query::<Pg, _>(&contacts::table.select(contacts::all_columns)).to_string();
        let columns: Vec<&str> =
            all.split(r#""contacts"."#).skip(1).filter_map(|column| column.split('"').nth(1)).collect();
        assert!(columns.contains(&"display_name"), "{all}");
        let is_combined = |column: &str| COMBINE_FIELDS.contains(&format!(" {column} = "));
        let forgotten: Vec<&&str> =
            columns.iter().filter(|column| !KEPT.contains(column) && !is_combined(column)).collect();
        assert!(forgotten.is_empty(), "COMBINE_FIELDS does not name {forgotten:?}");
    }
}
