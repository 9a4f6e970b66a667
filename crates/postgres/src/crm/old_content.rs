//! Messages and names that an earlier version stored: `parts` is null for its messages, and `refold_jobs` has how far the names of a
//! tenant's contacts are done.

use async_trait::async_trait;
use crm::{OldContentDirectory, OldContentRepo, OldMessage, RenewedMessage};
use diesel::OptionalExtension as _;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::{MessageId, TenantId};
use uuid::Uuid;

use super::content_parts;
use crate::error::OrStoreError;
use crate::sql::{Id, Prepared, sql, types};
use crate::tenants;
use crate::transaction::{Platform, Tenant, Tx};

/// Messages of a step, as far as their payloads have 4 MiB together.
const MESSAGES: i64 = 500;
/// Contacts of a step.
const CONTACTS: i64 = 1_000;

const OLD_MESSAGES: &str = "
SELECT m.id, m.payload FROM (
  SELECT id, row_number() OVER in_order AS number, sum(octet_length(payload)) OVER in_order AS bytes
    FROM (SELECT id, payload FROM messages WHERE tenant_id = $1 AND parts IS NULL ORDER BY id LIMIT $2) AS next
  WINDOW in_order AS (ORDER BY id)
) AS sized
  JOIN messages m ON m.tenant_id = $1 AND m.id = sized.id
 WHERE sized.bytes <= 4194304 OR sized.number = 1
 ORDER BY m.id";

/// The text of a message that was edited by its sender is that of the edit; that of a revoked one says so. The contact's history shows
/// the text as it was sent, as after recording. `text` is set in any case: the words for search are generated when it is.
const RENEW_MESSAGES: &str = "
WITH before AS (
  SELECT m.id, new.text AS derived, new.parts,
         m.revoked_at IS NOT NULL AS is_revoked,
         m.edited_at IS NOT NULL AND EXISTS (
           SELECT FROM message_updates u
            WHERE u.tenant_id = $1 AND u.account_id = m.account_id AND u.wamid = m.wamid AND u.kind = 'edit' AND u.value IS NOT NULL
              AND u.contact_id IS NOT DISTINCT FROM CASE WHEN m.direction = 'inbound' THEN m.contact_id END) AS is_edited
    FROM unnest($2, $3, $4) AS new (id, text, parts)
    JOIN messages m ON m.tenant_id = $1 AND m.id = new.id
), renewed AS (
  UPDATE messages m
     SET text = CASE WHEN b.is_revoked OR b.is_edited THEN m.text ELSE coalesce(b.derived, m.text) END, parts = b.parts
    FROM before b
   WHERE m.tenant_id = $1 AND m.id = b.id
)
UPDATE interactions i SET text = app.preview(b.derived)
  FROM before b
 WHERE i.tenant_id = $1 AND i.message_id = b.id AND i.kind = ANY ($5) AND NOT b.is_revoked
   AND i.text <> app.preview(b.derived)";

const REFOLD_JOB: &str = "SELECT after_contact AS id FROM refold_jobs WHERE tenant_id = $1 FOR UPDATE SKIP LOCKED";

const NEXT_CONTACTS: &str = "
SELECT id FROM contacts WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3";

/// Setting a column computes those that are generated from it. Names of plain ASCII fold as they always did.
const RENEW_NAMES: [&str; 2] = [
    "UPDATE contacts SET display_name = display_name
      WHERE tenant_id = $1 AND id = ANY ($2) AND octet_length(display_name) <> length(display_name)",
    "UPDATE contact_identities SET value = value
      WHERE tenant_id = $1 AND contact_id = ANY ($2) AND kind = 'username' AND octet_length(value) <> length(value)",
];

const NOTE_CONTACT: &str = "UPDATE refold_jobs SET after_contact = $2 WHERE tenant_id = $1";

const DELETE_JOB: &str = "DELETE FROM refold_jobs WHERE tenant_id = $1";

#[derive(diesel::QueryableByName)]
struct MessageRow {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = types::Text)]
    payload: String,
}

#[async_trait]
impl OldContentRepo for Tx<Tenant> {
    async fn old_messages(&mut self) -> Result<Vec<OldMessage>, StoreError> {
        let statement = sql(OLD_MESSAGES).bind::<types::Uuid, _>(self.tenant_id()).bind::<types::BigInt, _>(MESSAGES);
        let rows: Vec<MessageRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        let message = |row: MessageRow| OldMessage { id: MessageId::from_uuid(row.id), payload: row.payload };
        Ok(rows.into_iter().map(message).collect())
    }

    async fn renew_messages(&mut self, messages: &[RenewedMessage]) -> Result<(), StoreError> {
        let statement = sql(RENEW_MESSAGES)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuids, _>(messages.iter().map(|message| message.id.as_uuid()).collect::<Vec<_>>())
            .bind::<types::MaybeTexts, _>(messages.iter().map(|message| message.text.as_deref()).collect::<Vec<_>>())
            .bind::<types::Texts, _>(
                messages.iter().map(|message| content_parts::json(&message.parts)).collect::<Vec<_>>(),
            )
            .bind::<types::Texts, _>(super::inbox::of_messages());
        self.execute(statement).await?;
        Ok(())
    }

    async fn renew_names(&mut self) -> Result<bool, StoreError> {
        let tenant = self.tenant_id();
        let job = sql(REFOLD_JOB).bind::<types::Uuid, _>(tenant);
        let job: Option<Id> = Prepared(job).get_result(self.connection()).await.optional().or_store_error()?;
        let Some(Id { id: after }) = job else { return Ok(false) };
        let next = sql(NEXT_CONTACTS)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Uuid, _>(after)
            .bind::<types::BigInt, _>(CONTACTS);
        let next: Vec<Id> = Prepared(next).load(self.connection()).await.or_store_error()?;
        let contacts: Vec<Uuid> = next.iter().map(|row| row.id).collect();
        for statement in RENEW_NAMES {
            let statement = sql(statement).bind::<types::Uuid, _>(tenant).bind::<types::Uuids, _>(contacts.clone());
            self.execute(statement).await?;
        }
        let Some(last) = contacts.last() else {
            self.execute(sql(DELETE_JOB).bind::<types::Uuid, _>(tenant)).await?;
            return Ok(false);
        };
        let note = sql(NOTE_CONTACT).bind::<types::Uuid, _>(tenant).bind::<types::Uuid, _>(*last);
        self.execute(note).await?;
        Ok(true)
    }
}

#[async_trait]
impl OldContentDirectory for Tx<Platform> {
    async fn tenants_with_old_content(
        &mut self,
        after: Option<TenantId>,
        limit: i32,
    ) -> Result<Vec<TenantId>, StoreError> {
        tenants::after(self, "SELECT tenant_id AS id FROM app.tenants_with_old_content($1, $2)", after, limit).await
    }
}
