//! Search. What can be found by comparing texts is found as any row is, under row level security. Words cannot: `@@` is not
//! leakproof, so behind a policy it is a filter and never a condition of an index. Functions of the schema's owner look words
//! up in indexes whose every entry begins with its tenant, answer ids, and the rows are then read as any other.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use crm::{Contact, ContactMatch, FoundContact, FoundMessage, SearchQuery, SearchRepo};
use diesel::sql_types::Nullable;
use diesel_async::RunQueryDsl;
use kernel::ids::{ContactId, ConversationId, MessageId};
use kernel::{Limit, StoreError};
use uuid::Uuid;

use super::words;
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

/// Rank 0: this very phone number. 1: a number that begins so. 2: a name that begins so. 3: a user name that begins so. 4: a
/// name with words that begin with these. `search_*` columns are compared byte by byte; nothing is behind the last character
/// that there is. The limit of one keeps the database from reading all contacts to find a few.
const CONTACTS: &str = r"
WITH hits (contact_id, rank) AS (
  (SELECT i.contact_id, CASE WHEN i.search_key = p.digits THEN 0 ELSE 1 END
     FROM unnest($2) AS p (digits)
    CROSS JOIN LATERAL (
      SELECT i.contact_id, i.search_key FROM contact_identities i
       WHERE i.tenant_id = $1 AND i.kind = 'phone' AND i.search_key >= p.digits AND i.search_key < p.digits || ':'
         AND i.resolves
       ORDER BY i.search_key
       LIMIT $4
    ) i)
  UNION ALL
  (SELECT c.id, 2 FROM contacts c
    WHERE c.tenant_id = $1
      AND c.search_name >= (SELECT app.fold($3)) AND c.search_name < (SELECT app.fold($3) || U&'\+10FFFF')
    ORDER BY c.search_name, c.id
    LIMIT $4)
  UNION ALL
  (SELECT i.contact_id, 3 FROM contact_identities i
    WHERE i.tenant_id = $1 AND i.kind = 'username'
      AND i.search_key >= (SELECT app.fold($3)) AND i.search_key < (SELECT app.fold($3) || U&'\+10FFFF')
    ORDER BY i.search_key
    LIMIT $4)
  UNION ALL
  (SELECT found.id, 4 FROM app.contacts_with_words($3, $4) AS found (id))
), best AS (
  SELECT contact_id, min(rank) AS rank FROM hits GROUP BY contact_id
)
SELECT c.id, b.rank FROM best b
 CROSS JOIN LATERAL (SELECT id, search_name FROM contacts WHERE tenant_id = $1 AND id = b.contact_id LIMIT 1) c
 ORDER BY b.rank, c.search_name, c.id
 LIMIT $4";

/// Looks through the latest messages. Words that are everywhere are found here at once, while an index would list each place.
const LATEST_MESSAGES: &str = "
SELECT m.id, m.conversation_id, m.contact_id, m.direction, m.text, m.provider_timestamp, c.display_name
  FROM (
    SELECT r.id, r.provider_timestamp FROM (
      SELECT id, provider_timestamp, search_words, revoked_at FROM messages
       WHERE tenant_id = $1
       ORDER BY provider_timestamp DESC, id DESC
       LIMIT 5000
    ) r
     WHERE r.search_words @@ (SELECT app.words_query('', $2, false)) AND r.revoked_at IS NULL
     ORDER BY r.provider_timestamp DESC, r.id DESC
     LIMIT $3
  ) found
  JOIN messages m ON m.tenant_id = $1 AND m.id = found.id
  JOIN contacts c ON c.tenant_id = $1 AND c.id = m.contact_id
 ORDER BY m.provider_timestamp DESC, m.id DESC";

const ALL_MESSAGES: &str = "
SELECT m.id, m.conversation_id, m.contact_id, m.direction, m.text, m.provider_timestamp, c.display_name
  FROM app.messages_with_words($2, $3) AS found (id)
  JOIN messages m ON m.tenant_id = $1 AND m.id = found.id
  JOIN contacts c ON c.tenant_id = $1 AND c.id = m.contact_id
 ORDER BY m.provider_timestamp DESC, m.id DESC";

#[derive(diesel::QueryableByName)]
struct ContactRow {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = types::Integer)]
    rank: i32,
}

#[derive(diesel::QueryableByName)]
struct MessageRow {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<types::Uuid>)]
    conversation_id: Option<Uuid>,
    #[diesel(sql_type = types::Uuid)]
    contact_id: Uuid,
    #[diesel(sql_type = types::Text)]
    direction: String,
    #[diesel(sql_type = types::Text)]
    text: String,
    #[diesel(sql_type = types::Timestamptz)]
    provider_timestamp: DateTime<Utc>,
    #[diesel(sql_type = types::Text)]
    display_name: String,
}

#[async_trait]
impl SearchRepo for Tx<Tenant> {
    async fn search_contacts(&mut self, query: &SearchQuery, limit: Limit) -> Result<Vec<FoundContact>, StoreError> {
        let tenant = self.tenant_id();
        let statement = Prepared(
            sql(CONTACTS)
                .bind::<types::Uuid, _>(tenant)
                .bind::<types::Texts, _>(query.phones().to_vec())
                .bind::<types::Text, _>(query.text())
                .bind::<types::Integer, _>(most(limit)),
        );
        let rows: Vec<ContactRow> = statement.load(self.connection()).await.or_store_error()?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let contacts = self.contacts_by_id(&ids).await?;
        let rank = |contact: &Contact| rows.iter().find(|row| row.id == contact.id.as_uuid()).map(|row| row.rank);
        let found = contacts.into_iter().map(|contact| FoundContact {
            by: match rank(&contact) {
                Some(0 | 1) => ContactMatch::Phone,
                Some(3) => ContactMatch::Username,
                _ => ContactMatch::Name,
            },
            contact,
        });
        Ok(found.collect())
    }

    async fn search_messages(&mut self, query: &SearchQuery, limit: Limit) -> Result<Vec<FoundMessage>, StoreError> {
        let latest = messages(self, LATEST_MESSAGES, query, limit).await?;
        let found = if latest.len() < limit.get() { messages(self, ALL_MESSAGES, query, limit).await? } else { latest };
        found.into_iter().map(MessageRow::into_message).collect()
    }
}

async fn messages(
    tx: &mut Tx<Tenant>,
    statement: &'static str,
    query: &SearchQuery,
    limit: Limit,
) -> Result<Vec<MessageRow>, StoreError> {
    let tenant = tx.tenant_id();
    let statement = Prepared(
        sql(statement)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Text, _>(query.text())
            .bind::<types::Integer, _>(most(limit)),
    );
    statement.load(tx.connection()).await.or_store_error()
}

fn most(limit: Limit) -> i32 {
    i32::try_from(limit.get()).unwrap_or(i32::MAX)
}

impl MessageRow {
    fn into_message(self) -> Result<FoundMessage, StoreError> {
        Ok(FoundMessage {
            id: MessageId::from_uuid(self.id),
            conversation: self.conversation_id.map(ConversationId::from_uuid),
            contact: ContactId::from_uuid(self.contact_id),
            contact_display_name: self.display_name,
            direction: words::direction(&self.direction)?,
            text: self.text,
            provider_timestamp: self.provider_timestamp,
        })
    }
}
