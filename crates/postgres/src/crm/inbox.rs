//! What recording a batch of messages needs: each a single statement over arrays.

use std::collections::HashSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use crm::identity::{Attachment, IdentityKey, KnownIdentity};
use crm::inbox::{NewMessage, OpenConversation, Received};
use crm::{InboxRepo, Interaction};
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::{AccountId, ContactId, ConversationId, MessageId};
use uuid::Uuid;

use super::identity::{identity_kind, kind_key};
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

/// The lock's number is a hash: two people may share one, and then wait for each other for nothing. `unnest` yields the
/// rows in their order, which is that of all callers.
const LOCK: &str = "
SELECT pg_advisory_xact_lock(hashtextextended(concat_ws('|', $1::text, kind, scope, value), 0))
  FROM unnest($2, $3, $4) AS keys (kind, scope, value)";

const KNOWN_MESSAGES: &str = "
SELECT m.account_id, m.wamid FROM messages m
  JOIN unnest($2, $3) AS wanted (account_id, wamid) ON wanted.account_id = m.account_id AND wanted.wamid = m.wamid
 WHERE m.tenant_id = $1";

const IDENTITIES: &str = "
WITH found AS (
  SELECT i.* FROM contact_identities i
    JOIN unnest($2, $3, $4) AS keys (kind, scope, value)
      ON keys.kind = i.kind AND keys.scope = i.scope AND keys.value = i.value
   WHERE i.tenant_id = $1
)
SELECT kind, scope, value, contact_id FROM found
UNION
SELECT i.kind, i.scope, i.value, i.contact_id FROM contact_identities i
 WHERE i.tenant_id = $1 AND i.kind = 'bsuid' AND i.contact_id IN (SELECT contact_id FROM found)";

const INSERT_CONTACTS: &str = "
INSERT INTO contacts (tenant_id, id, display_name, created_at, updated_at)
SELECT $1, id, display_name, $4, $4 FROM unnest($2, $3) AS new (id, display_name)";

const INSERT_IDENTITIES: &str = "
INSERT INTO contact_identities (tenant_id, kind, scope, value, contact_id, created_at)
SELECT $1, kind, scope, value, contact_id, $6 FROM unnest($2, $3, $4, $5) AS new (kind, scope, value, contact_id)";

const FLAG: &str = "
UPDATE contacts SET needs_review = true, updated_at = $3 WHERE tenant_id = $1 AND id = ANY ($2) AND NOT needs_review";

const OPEN: &str = "
INSERT INTO conversations (tenant_id, id, account_id, contact_id, last_message_at, created_at)
SELECT $1, id, account_id, contact_id, $5, $5 FROM unnest($2, $3, $4) AS new (id, account_id, contact_id)
    ON CONFLICT (tenant_id, account_id, contact_id) WHERE status <> 'closed' DO NOTHING";

/// Locked, so that nobody closes it while a message is put in.
const FIND_OPEN: &str = "
SELECT c.id, c.account_id, c.contact_id FROM conversations c
  JOIN unnest($2, $3) AS wanted (account_id, contact_id)
    ON wanted.account_id = c.account_id AND wanted.contact_id = c.contact_id
 WHERE c.tenant_id = $1 AND c.status <> 'closed'
 ORDER BY c.id
   FOR NO KEY UPDATE OF c";

const INSERT_MESSAGES: &str = "
INSERT INTO messages
  (tenant_id, direction, id, conversation_id, contact_id, account_id, wamid, kind, text, media_id, media_mime_type,
   media_sha256, media_caption, media_filename, reply_to_wamid, referral, payload, provider_timestamp, created_at)
SELECT $1, 'inbound', new.*, $2
  FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) AS new
    ON CONFLICT (tenant_id, account_id, wamid) DO NOTHING
RETURNING id";

const INSERT_INTERACTIONS: &str = "
INSERT INTO interactions (tenant_id, id, contact_id, kind, text, actor_id, message_id, occurred_at, created_at)
SELECT $1, new.*, $2 FROM unnest($3, $4, $5, $6, $7, $8, $9) AS new";

/// A conversation that was just made has no preview yet and takes what comes; otherwise the later message wins. The window
/// only ever grows.
const RECEIVED: &str = "
UPDATE conversations c
   SET unread_count = c.unread_count + r.messages,
       last_message_at = r.last_message_at,
       last_message_preview = r.preview,
       service_window_ends_at = greatest(c.service_window_ends_at, r.window_ends_at)
  FROM (
    SELECT r.id, r.messages, r.window_ends_at,
           CASE WHEN newer THEN r.last_message_at ELSE o.last_message_at END AS last_message_at,
           CASE WHEN newer THEN r.preview ELSE o.last_message_preview END AS preview
      FROM unnest($2, $3, $4, $5, $6) AS r (id, messages, last_message_at, preview, window_ends_at)
      JOIN conversations o ON o.tenant_id = $1 AND o.id = r.id
     CROSS JOIN LATERAL (SELECT o.service_window_ends_at IS NULL OR r.last_message_at >= o.last_message_at AS newer) n
  ) r
 WHERE c.tenant_id = $1 AND c.id = r.id";

#[derive(diesel::QueryableByName)]
struct MessageKey {
    #[diesel(sql_type = types::Uuid)]
    account_id: Uuid,
    #[diesel(sql_type = types::Text)]
    wamid: String,
}

#[derive(diesel::QueryableByName)]
struct IdentityRow {
    #[diesel(sql_type = types::Text)]
    kind: String,
    #[diesel(sql_type = types::Text)]
    scope: String,
    #[diesel(sql_type = types::Text)]
    value: String,
    #[diesel(sql_type = types::Uuid)]
    contact_id: Uuid,
}

#[derive(diesel::QueryableByName)]
struct OpenRow {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = types::Uuid)]
    account_id: Uuid,
    #[diesel(sql_type = types::Uuid)]
    contact_id: Uuid,
}

#[derive(diesel::QueryableByName)]
struct Id {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
}

#[async_trait]
impl InboxRepo for Tx<Tenant> {
    async fn lock_people(&mut self, keys: &[IdentityKey]) -> Result<(), StoreError> {
        let tenant = self.tenant_id().to_string();
        let mut keys: Vec<&IdentityKey> = keys.iter().collect();
        keys.sort_unstable();
        let (kinds, scopes, values) = columns(keys);
        let statement = sql(LOCK)
            .bind::<types::Text, _>(tenant)
            .bind::<types::Texts, _>(kinds)
            .bind::<types::Texts, _>(scopes)
            .bind::<types::Texts, _>(values);
        self.execute(statement).await?;
        Ok(())
    }

    async fn known_messages(
        &mut self,
        messages: &[(AccountId, String)],
    ) -> Result<HashSet<(AccountId, String)>, StoreError> {
        let tenant = self.tenant_id();
        let accounts: Vec<Uuid> = messages.iter().map(|(account, _)| account.as_uuid()).collect();
        let wamids: Vec<&str> = messages.iter().map(|(_, wamid)| wamid.as_str()).collect();
        let statement = Prepared(
            sql(KNOWN_MESSAGES)
                .bind::<types::Uuid, _>(tenant)
                .bind::<types::Uuids, _>(accounts)
                .bind::<types::Texts, _>(wamids),
        );
        let rows: Vec<MessageKey> = statement.load(self.connection()).await.or_store_error()?;
        Ok(rows.into_iter().map(|row| (AccountId::from_uuid(row.account_id), row.wamid)).collect())
    }

    async fn identities(&mut self, keys: &[IdentityKey]) -> Result<Vec<KnownIdentity>, StoreError> {
        let tenant = self.tenant_id();
        let (kinds, scopes, values) = columns(keys);
        let statement = Prepared(
            sql(IDENTITIES)
                .bind::<types::Uuid, _>(tenant)
                .bind::<types::Texts, _>(kinds)
                .bind::<types::Texts, _>(scopes)
                .bind::<types::Texts, _>(values),
        );
        let rows: Vec<IdentityRow> = statement.load(self.connection()).await.or_store_error()?;
        rows.into_iter()
            .map(|row| {
                let key = IdentityKey { kind: identity_kind(&row.kind)?, scope: row.scope, value: row.value };
                Ok(KnownIdentity { key, contact: ContactId::from_uuid(row.contact_id) })
            })
            .collect()
    }

    async fn insert_contacts(
        &mut self,
        contacts: &[(ContactId, String)],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        let ids: Vec<Uuid> = contacts.iter().map(|(id, _)| id.as_uuid()).collect();
        let names: Vec<&str> = contacts.iter().map(|(_, name)| name.as_str()).collect();
        let statement = sql(INSERT_CONTACTS)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Uuids, _>(ids)
            .bind::<types::Texts, _>(names)
            .bind::<types::Timestamptz, _>(now);
        self.execute(statement).await?;
        Ok(())
    }

    async fn insert_identities(&mut self, identities: &[Attachment], now: DateTime<Utc>) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        let (kinds, scopes, values) = columns(identities.iter().map(|identity| &identity.key));
        let contacts: Vec<Uuid> = identities.iter().map(|identity| identity.contact.as_uuid()).collect();
        let statement = sql(INSERT_IDENTITIES)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Texts, _>(kinds)
            .bind::<types::Texts, _>(scopes)
            .bind::<types::Texts, _>(values)
            .bind::<types::Uuids, _>(contacts)
            .bind::<types::Timestamptz, _>(now);
        self.execute(statement).await?;
        Ok(())
    }

    async fn flag_for_review(&mut self, contacts: &[ContactId], now: DateTime<Utc>) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        let contacts: Vec<Uuid> = contacts.iter().map(|contact| contact.as_uuid()).collect();
        let statement = sql(FLAG)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Uuids, _>(contacts)
            .bind::<types::Timestamptz, _>(now);
        self.execute(statement).await?;
        Ok(())
    }

    async fn open_conversations(
        &mut self,
        wanted: &[OpenConversation],
        now: DateTime<Utc>,
    ) -> Result<Vec<OpenConversation>, StoreError> {
        let tenant = self.tenant_id();
        let ids: Vec<Uuid> = wanted.iter().map(|wanted| wanted.id.as_uuid()).collect();
        let accounts: Vec<Uuid> = wanted.iter().map(|wanted| wanted.account.as_uuid()).collect();
        let contacts: Vec<Uuid> = wanted.iter().map(|wanted| wanted.contact.as_uuid()).collect();
        let statement = sql(OPEN)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Uuids, _>(ids)
            .bind::<types::Uuids, _>(accounts.clone())
            .bind::<types::Uuids, _>(contacts.clone())
            .bind::<types::Timestamptz, _>(now);
        self.execute(statement).await?;
        let statement = Prepared(
            sql(FIND_OPEN)
                .bind::<types::Uuid, _>(tenant)
                .bind::<types::Uuids, _>(accounts)
                .bind::<types::Uuids, _>(contacts),
        );
        let rows: Vec<OpenRow> = statement.load(self.connection()).await.or_store_error()?;
        let open = |row: OpenRow| OpenConversation {
            id: ConversationId::from_uuid(row.id),
            account: AccountId::from_uuid(row.account_id),
            contact: ContactId::from_uuid(row.contact_id),
        };
        Ok(rows.into_iter().map(open).collect())
    }

    async fn insert_messages(
        &mut self,
        messages: &[NewMessage],
        now: DateTime<Utc>,
    ) -> Result<HashSet<MessageId>, StoreError> {
        fn column<'m, T>(messages: &'m [NewMessage], read: impl Fn(&'m NewMessage) -> T) -> Vec<T> {
            messages.iter().map(read).collect()
        }
        let media = |read: fn(&crm::Media) -> Option<&str>| column(messages, |m| m.media.as_ref().and_then(read));
        let tenant = self.tenant_id();
        let statement = Prepared(
            sql(INSERT_MESSAGES)
                .bind::<types::Uuid, _>(tenant)
                .bind::<types::Timestamptz, _>(now)
                .bind::<types::Uuids, _>(column(messages, |m| m.id.as_uuid()))
                .bind::<types::Uuids, _>(column(messages, |m| m.conversation.as_uuid()))
                .bind::<types::Uuids, _>(column(messages, |m| m.contact.as_uuid()))
                .bind::<types::Uuids, _>(column(messages, |m| m.account.as_uuid()))
                .bind::<types::Texts, _>(column(messages, |m| m.wamid.as_str()))
                .bind::<types::Texts, _>(column(messages, |m| m.kind.as_str()))
                .bind::<types::Texts, _>(column(messages, |m| m.text.as_str()))
                .bind::<types::MaybeTexts, _>(media(|media| Some(&media.id)))
                .bind::<types::MaybeTexts, _>(media(|media| media.mime_type.as_deref()))
                .bind::<types::MaybeTexts, _>(media(|media| media.sha256.as_deref()))
                .bind::<types::MaybeTexts, _>(media(|media| media.caption.as_deref()))
                .bind::<types::MaybeTexts, _>(media(|media| media.filename.as_deref()))
                .bind::<types::MaybeTexts, _>(column(messages, |m| {
                    m.reply_to.as_ref().map(|reply| reply.wamid.as_str())
                }))
                .bind::<types::MaybeTexts, _>(column(messages, |m| m.referral.as_deref()))
                .bind::<types::Texts, _>(column(messages, |m| m.payload.as_str()))
                .bind::<types::Times, _>(column(messages, |m| m.provider_timestamp)),
        );
        let rows: Vec<Id> = statement.load(self.connection()).await.or_store_error()?;
        Ok(rows.into_iter().map(|row| MessageId::from_uuid(row.id)).collect())
    }

    async fn insert_interactions(&mut self, new: &[Interaction], now: DateTime<Utc>) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        let ids: Vec<Uuid> = new.iter().map(|interaction| interaction.id.as_uuid()).collect();
        let contacts: Vec<Uuid> = new.iter().map(|interaction| interaction.contact.as_uuid()).collect();
        let kinds: Vec<&str> = new.iter().map(|interaction| interaction.kind.key()).collect();
        let texts: Vec<&str> = new.iter().map(|interaction| interaction.text.as_str()).collect();
        let actors: Vec<Option<Uuid>> =
            new.iter().map(|interaction| interaction.actor.map(kernel::ids::UserId::as_uuid)).collect();
        let messages: Vec<Option<Uuid>> =
            new.iter().map(|interaction| interaction.message.map(MessageId::as_uuid)).collect();
        let times: Vec<DateTime<Utc>> = new.iter().map(|interaction| interaction.occurred_at).collect();
        let statement = sql(INSERT_INTERACTIONS)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Timestamptz, _>(now)
            .bind::<types::Uuids, _>(ids)
            .bind::<types::Uuids, _>(contacts)
            .bind::<types::Texts, _>(kinds)
            .bind::<types::Texts, _>(texts)
            .bind::<types::MaybeUuids, _>(actors)
            .bind::<types::MaybeUuids, _>(messages)
            .bind::<types::Times, _>(times);
        self.execute(statement).await?;
        Ok(())
    }

    async fn note_received(&mut self, received: &[Received]) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        let ids: Vec<Uuid> = received.iter().map(|received| received.conversation.as_uuid()).collect();
        let counts: Vec<i32> = received.iter().map(|received| received.messages).collect();
        let times: Vec<DateTime<Utc>> = received.iter().map(|received| received.last_message_at).collect();
        let previews: Vec<&str> = received.iter().map(|received| received.last_message_preview.as_str()).collect();
        let windows: Vec<DateTime<Utc>> = received.iter().map(|received| received.service_window_ends_at).collect();
        let statement = sql(RECEIVED)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Uuids, _>(ids)
            .bind::<types::Integers, _>(counts)
            .bind::<types::Times, _>(times)
            .bind::<types::Texts, _>(previews)
            .bind::<types::Times, _>(windows);
        self.execute(statement).await?;
        Ok(())
    }
}

/// Keys as the columns of `unnest`.
fn columns<'k>(keys: impl IntoIterator<Item = &'k IdentityKey>) -> (Vec<&'static str>, Vec<&'k str>, Vec<&'k str>) {
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for key in keys {
        columns.0.push(kind_key(key.kind));
        columns.1.push(key.scope.as_str());
        columns.2.push(key.value.as_str());
    }
    columns
}
