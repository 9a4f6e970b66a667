//! What an earlier version stored: see [`PastRepo`].

use async_trait::async_trait;
use crm::PastRepo;
use crm::inbox::{InboxRepo as _, MessageKey, OpenConversation};
use diesel_async::RunQueryDsl;
use kernel::ids::{AccountId, ContactId, ConversationId, MessageId};
use kernel::{Clock, StoreError};
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::sql::{Id, Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

/// The event that told of a row of the account `a` first. Ids of events are in the order of their arrival.
macro_rules! first_event {
    ($key:literal) => {
        concat!(
            "(SELECT e.id FROM webhook_events e
               WHERE e.app_id = a.app_id
                 AND e.dedupe_key = ANY (ARRAY(SELECT prefix || a.phone_number_id || ':' || ",
            $key,
            " FROM unnest('{m:,e:,ht:,hm:,he:}'::text[]) AS prefix))
               ORDER BY e.id LIMIT 1)"
        )
    };
}

/// Orders messages of one second by their events, as far as these are kept. What arrives from now on comes after them. More messages
/// of a contact in one second than people write stay as they are.
const ORDER_MESSAGES: &str = concat!(
    "WITH seconds AS (
       SELECT * FROM (SELECT DISTINCT contact_id, provider_timestamp FROM messages WHERE tenant_id = $1 AND id = ANY ($2)) s
        WHERE (SELECT count(*) FROM (SELECT FROM messages o
                                      WHERE o.tenant_id = $1 AND o.contact_id = s.contact_id
                                        AND o.provider_timestamp = s.provider_timestamp LIMIT 101) o) BETWEEN 2 AND 100
     ), told AS (
       SELECT m.id, m.contact_id, m.provider_timestamp, m.arrival, ",
    first_event!("m.wamid"),
    " AS first
         FROM seconds s
         JOIN messages m
           ON m.tenant_id = $1 AND m.contact_id = s.contact_id AND m.provider_timestamp = s.provider_timestamp AND m.arrival <= 0
         JOIN whatsapp_accounts a ON a.tenant_id = $1 AND a.id = m.account_id
     ), ranked AS (
       SELECT id, arrival, row_number() OVER in_order - 1 - count(*) OVER (PARTITION BY contact_id, provider_timestamp) AS place,
              count(*) OVER (PARTITION BY contact_id, provider_timestamp) AS size
         FROM told WHERE first IS NOT NULL
       WINDOW in_order AS (PARTITION BY contact_id, provider_timestamp ORDER BY first)
     ), ordered AS (
       UPDATE messages m SET arrival = r.place FROM ranked r
        WHERE m.tenant_id = $1 AND m.id = r.id AND r.size > 1 AND r.arrival <> r.place
       RETURNING m.id, m.arrival
     )
     UPDATE interactions i SET arrival = o.arrival FROM ordered o
      WHERE i.tenant_id = $1 AND i.message_id = o.id AND i.kind = ANY ($3)"
);

/// The same for reactions and edits of a message. Statuses have an order of their own.
const ORDER_UPDATES: &str = concat!(
    "WITH told AS (
       SELECT u.account_id, u.wamid, u.kind, u.key, u.occurred_at, u.arrival, ",
    first_event!("u.key"),
    " AS first
         FROM messages m
         JOIN message_updates u ON u.tenant_id = $1 AND u.account_id = m.account_id AND u.wamid = m.wamid
          AND u.kind <> 'status' AND u.arrival <= 0
         JOIN whatsapp_accounts a ON a.tenant_id = $1 AND a.id = u.account_id
        WHERE m.tenant_id = $1 AND m.id = ANY ($2)
     ), ranked AS (
       SELECT *, row_number() OVER in_order - 1 - count(*) OVER (PARTITION BY account_id, wamid, occurred_at) AS place,
              count(*) OVER (PARTITION BY account_id, wamid, occurred_at) AS size
         FROM told WHERE first IS NOT NULL
       WINDOW in_order AS (PARTITION BY account_id, wamid, occurred_at ORDER BY first)
     )
     UPDATE message_updates u SET arrival = r.place FROM ranked r
      WHERE u.tenant_id = $1 AND u.account_id = r.account_id AND u.wamid = r.wamid AND u.kind = r.kind AND u.key = r.key
        AND r.size > 1 AND r.arrival <> r.place"
);

const LINK_LINES: &str = "
UPDATE interactions i SET account_id = u.account_id, wamid = u.wamid
  FROM messages m
  JOIN message_updates u ON u.tenant_id = $1 AND u.account_id = m.account_id AND u.wamid = m.wamid AND u.kind <> 'status'
 WHERE m.tenant_id = $1 AND m.id = ANY ($2)
   AND i.tenant_id = $1 AND i.source = 'update:' || u.account_id || ':' || u.key AND i.wamid IS NULL";

const WITH_ACTIVITY: &str = "
SELECT DISTINCT m.account_id, m.wamid FROM messages m
  JOIN message_updates u ON u.tenant_id = $1 AND u.account_id = m.account_id AND u.wamid = m.wamid AND u.kind <> 'status'
 WHERE m.tenant_id = $1 AND m.id = ANY ($2)";

/// Locked, so that no message is added while they are looked at.
const LOCK_MIXED: &str = "
SELECT c.id FROM conversations c
 WHERE c.tenant_id = $1 AND NOT c.imported
   AND c.id IN (SELECT conversation_id FROM messages WHERE tenant_id = $1 AND id = ANY ($2) AND origin = 'history')
 ORDER BY c.id
   FOR UPDATE";

/// One for each account and contact. What a user has taken stays open.
const MAKE_IMPORTED: &str = "
UPDATE conversations c
   SET imported = true, status = CASE WHEN c.assignee_id IS NULL THEN 'closed' ELSE c.status END
 WHERE c.tenant_id = $1 AND c.id IN (
   SELECT DISTINCT ON (p.account_id, p.contact_id) p.id FROM conversations p
    WHERE p.tenant_id = $1 AND p.id = ANY ($2)
      AND NOT EXISTS (SELECT FROM messages m WHERE m.tenant_id = $1 AND m.conversation_id = p.id AND m.origin <> 'history')
      AND NOT EXISTS (SELECT FROM conversations o
                       WHERE o.tenant_id = $1 AND o.account_id = p.account_id AND o.contact_id = p.contact_id AND o.imported)
    ORDER BY p.account_id, p.contact_id, p.id)";

const STILL_MIXED: &str = "
SELECT DISTINCT c.account_id, c.contact_id FROM messages m
  JOIN conversations c ON c.tenant_id = $1 AND c.id = m.conversation_id AND NOT c.imported
 WHERE m.tenant_id = $1 AND m.id = ANY ($2) AND m.origin = 'history'";

const MOVE: &str = "
UPDATE messages m SET conversation_id = i.id, unread_in = NULL
  FROM conversations c
  JOIN conversations i ON i.tenant_id = $1 AND i.account_id = c.account_id AND i.contact_id = c.contact_id AND i.imported
 WHERE m.tenant_id = $1 AND m.id = ANY ($2) AND m.origin = 'history'
   AND c.tenant_id = $1 AND c.id = m.conversation_id AND NOT c.imported";

const CONVERSATIONS: &str = "
SELECT DISTINCT conversation_id AS id FROM messages
 WHERE tenant_id = $1 AND id = ANY ($2) AND conversation_id IS NOT NULL";

#[derive(diesel::QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = types::Uuid)]
    account_id: Uuid,
    #[diesel(sql_type = types::Text)]
    wamid: String,
}

#[derive(diesel::QueryableByName)]
struct PairRow {
    #[diesel(sql_type = types::Uuid)]
    account_id: Uuid,
    #[diesel(sql_type = types::Uuid)]
    contact_id: Uuid,
}

#[async_trait]
impl PastRepo for Tx<Tenant> {
    async fn renew_past(&mut self, messages: &[MessageId], clock: &dyn Clock) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        let ids: Vec<Uuid> = messages.iter().map(|message| message.as_uuid()).collect();
        let bind = |text: &'static str| sql(text).bind::<types::Uuid, _>(tenant).bind::<types::Uuids, _>(ids.clone());
        self.execute(bind(ORDER_MESSAGES).bind::<types::Texts, _>(super::inbox::of_messages())).await?;
        self.execute(bind(ORDER_UPDATES)).await?;
        self.execute(bind(LINK_LINES)).await?;
        let mixed: Vec<Id> = Prepared(bind(LOCK_MIXED)).load(self.connection()).await.or_store_error()?;
        let mut affected: Vec<Uuid> = mixed.into_iter().map(|row| row.id).collect();
        if !affected.is_empty() {
            let make = sql(MAKE_IMPORTED).bind::<types::Uuid, _>(tenant).bind::<types::Uuids, _>(affected.clone());
            self.execute(make).await?;
            let pairs: Vec<PairRow> = Prepared(bind(STILL_MIXED)).load(self.connection()).await.or_store_error()?;
            if !pairs.is_empty() {
                let imported: Vec<OpenConversation> = pairs
                    .iter()
                    .map(|pair| OpenConversation {
                        id: ConversationId::new(clock),
                        account: AccountId::from_uuid(pair.account_id),
                        contact: ContactId::from_uuid(pair.contact_id),
                    })
                    .collect();
                self.imported_conversations(&imported, clock.now()).await?;
                self.execute(bind(MOVE)).await?;
            }
        }
        let keys: Vec<KeyRow> = Prepared(bind(WITH_ACTIVITY)).load(self.connection()).await.or_store_error()?;
        let keys: Vec<MessageKey> =
            keys.into_iter().map(|row| (AccountId::from_uuid(row.account_id), row.wamid)).collect();
        if !keys.is_empty() {
            self.refresh_messages(&keys).await?;
        }
        let shown: Vec<Id> = Prepared(bind(CONVERSATIONS)).load(self.connection()).await.or_store_error()?;
        affected.extend(shown.into_iter().map(|row| row.id));
        affected.sort_unstable();
        affected.dedup();
        super::inbox::refresh(self, affected).await
    }
}
