//! Search. Numbers, names and user names are compared as texts, under row level security. Words cannot be: `@@` is not
//! leakproof, so under a policy Postgres uses it as a filter and never as an index condition; nor is `reverse`. Functions of the schema's owner
//! look words up in indexes whose entries begin with the tenant, and return ids; the rows are then read under row level
//! security.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use crm::{Contact, ContactHit, ContactMatch, MessageHit, SearchQuery, SearchRepo};
use diesel::sql_types::Nullable;
use diesel_async::RunQueryDsl;
use kernel::ids::{ContactId, ConversationId, MessageId};
use kernel::{PageLimit, StoreError};
use uuid::Uuid;

use crate::closed_set;
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

/// Rank 0: an equal phone number. 1: the beginning or the end of a number. 2: a prefix of a name. 3: a prefix of a user name. 4: prefixes of
/// words in a name. `search_*` columns are compared bytewise; U+10FFFF sorts after any text. `LIMIT 1` in the lateral join
/// keeps the planner from reading all contacts.
const SEARCH_CONTACTS: &str = r"
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
  (SELECT found.id, 1 FROM app.contacts_with_number_end($5, $4) AS found (id))
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
 CROSS JOIN LATERAL (SELECT id, search_name FROM contacts WHERE tenant_id = $1 AND id = b.contact_id AND removed_at IS NULL LIMIT 1) c
 ORDER BY b.rank, c.search_name, c.id
 LIMIT $4";

/// Scans the latest messages. This finds frequent words at once, for which an index lists too many entries.
const SEARCH_LATEST_MESSAGES: &str = "
SELECT m.id, m.conversation_id, m.contact_id, m.direction, left(m.text, 1000) AS text, m.provider_timestamp, c.display_name
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
  JOIN contacts c ON c.tenant_id = $1 AND c.id = m.contact_id AND c.removed_at IS NULL
 ORDER BY m.provider_timestamp DESC, m.id DESC";

const SEARCH_ALL_MESSAGES: &str = "
SELECT m.id, m.conversation_id, m.contact_id, m.direction, left(m.text, 1000) AS text, m.provider_timestamp, c.display_name
  FROM app.messages_with_words($2, $3) AS found (id)
  JOIN messages m ON m.tenant_id = $1 AND m.id = found.id
  JOIN contacts c ON c.tenant_id = $1 AND c.id = m.contact_id AND c.removed_at IS NULL
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
    async fn search_contacts(&mut self, query: &SearchQuery, limit: PageLimit) -> Result<Vec<ContactHit>, StoreError> {
        let tenant = self.tenant_id();
        let statement = Prepared(
            sql(SEARCH_CONTACTS)
                .bind::<types::Uuid, _>(tenant)
                .bind::<types::Texts, _>(query.phones().to_vec())
                .bind::<types::Text, _>(query.text())
                .bind::<types::Integer, _>(most(limit))
                .bind::<Nullable<types::Text>, _>(query.number_end()),
        );
        let rows: Vec<ContactRow> = statement.load(self.connection()).await.or_store_error()?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let contacts = self.contacts_by_id(&ids).await?;
        let rank = |contact: &Contact| rows.iter().find(|row| row.id == contact.id.as_uuid()).map(|row| row.rank);
        let found = contacts.into_iter().map(|contact| ContactHit {
            by: match rank(&contact) {
                Some(0 | 1) => ContactMatch::Phone,
                Some(3) => ContactMatch::Username,
                _ => ContactMatch::Name,
            },
            contact,
        });
        Ok(found.collect())
    }

    async fn search_messages(&mut self, query: &SearchQuery, limit: PageLimit) -> Result<Vec<MessageHit>, StoreError> {
        let latest = messages(self, SEARCH_LATEST_MESSAGES, query, limit).await?;
        let found =
            if latest.len() < limit.get() { messages(self, SEARCH_ALL_MESSAGES, query, limit).await? } else { latest };
        let titles = self.titles(found.iter().map(|row| (row.contact_id, row.display_name.as_str()))).await?;
        found.into_iter().zip(titles).map(|(row, title)| row.into_message(title)).collect()
    }
}

async fn messages(
    tx: &mut Tx<Tenant>,
    statement: &'static str,
    query: &SearchQuery,
    limit: PageLimit,
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

fn most(limit: PageLimit) -> i32 {
    i32::try_from(limit.get()).unwrap_or(i32::MAX)
}

impl MessageRow {
    fn into_message(self, contact_title: String) -> Result<MessageHit, StoreError> {
        Ok(MessageHit {
            id: MessageId::from_uuid(self.id),
            conversation: self.conversation_id.map(ConversationId::from_uuid),
            contact: ContactId::from_uuid(self.contact_id),
            contact_display_name: self.display_name,
            contact_title,
            direction: closed_set::parse(&self.direction, "messages.direction")?,
            text: self.text,
            provider_timestamp: self.provider_timestamp,
        })
    }
}
