use async_trait::async_trait;
use chrono::{DateTime, Utc};
use crm::{Conversation, ConversationFilter, ConversationRepo, Message, MessageList, MessageParts};
use diesel::sql_types::{Nullable, Timestamptz};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper, define_sql_function,
};
use diesel_async::RunQueryDsl;
use kernel::ids::{AccountId, ContactId, ConversationId, UserId};
use kernel::{Arrival, Cursor, Page, PageRequest, StoreError};
use uuid::Uuid;

use crate::closed_set;
use crate::error::OrStoreError;
use crate::keyset::continue_after_arrival;
use crate::schema::{contacts, conversations};
use crate::sql::{sql, types};
use crate::transaction::{Tenant, Tx};

/// Locked before the conversation, in the order in which merging and deleting contacts lock them.
const LOCK_CONTACT: &str = "
SELECT c.id FROM contacts c
 WHERE c.tenant_id = $1 AND c.id = (SELECT v.contact_id FROM conversations v WHERE v.tenant_id = $1 AND v.id = $2)
   FOR KEY SHARE";

const LOCK_CONVERSATION: &str = "
SELECT id FROM conversations WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE";

/// The service window may have been extended while the conversation was closed.
const UPDATE: &str = "
UPDATE conversations c
   SET status = $3, assignee_id = $4, unread_count = $5, version = $6,
       -- All messages are read.
       reads = c.reads + (c.unread_count > $5)::integer,
       service_window_ends_at = greatest(c.service_window_ends_at, (
         SELECT w.ends_at FROM service_windows w
          WHERE w.tenant_id = $1 AND w.account_id = c.account_id AND w.contact_id = c.contact_id))
 WHERE c.tenant_id = $1 AND c.id = $2";

#[derive(Queryable, Selectable)]
#[diesel(table_name = conversations)]
struct Row {
    id: Uuid,
    account_id: Uuid,
    contact_id: Uuid,
    status: String,
    imported: bool,
    assignee_id: Option<Uuid>,
    unread_count: i32,
    last_message_at: DateTime<Utc>,
    activity_at: Option<DateTime<Utc>>,
    arrival: i64,
    last_message_preview: String,
    service_window_ends_at: Option<DateTime<Utc>>,
    read_only: bool,
    version: i64,
}

/// A conversation, the name of its contact, and the one before it.
type NamedRow = (Row, String, Option<Uuid>);

define_sql_function! {
    /// The later of two times, or the one that is not null.
    fn greatest(one: Timestamptz, other: Nullable<Timestamptz>) -> Timestamptz;
}

/// By which the list is ordered: the time of what it shows.
fn last_activity_at() -> greatest<conversations::last_message_at, conversations::activity_at> {
    greatest(conversations::last_message_at, conversations::activity_at)
}

/// The imported conversation comes before all others of its account and contact; these are in the order in which they were opened.
const PREVIOUS: &str = "
(SELECT p.id FROM conversations p
  WHERE p.tenant_id = conversations.tenant_id AND p.contact_id = conversations.contact_id
    AND p.account_id = conversations.account_id
    AND (NOT p.imported, p.created_at, p.id) < (NOT conversations.imported, conversations.created_at, conversations.id)
  ORDER BY p.imported, p.created_at DESC, p.id DESC
  LIMIT 1)";

/// A conversation with the name of its contact, and the one before it.
macro_rules! with_contact {
    () => {
        conversations::table
            .inner_join(
                contacts::table.on(contacts::tenant_id
                    .eq(conversations::tenant_id)
                    .and(contacts::id.eq(conversations::contact_id))
                    .and(contacts::removed_at.is_null())),
            )
            .select((Row::as_select(), contacts::display_name, diesel::dsl::sql::<Nullable<types::Uuid>>(PREVIOUS)))
    };
}

#[async_trait]
impl ConversationRepo for Tx<Tenant> {
    async fn conversations(
        &mut self,
        filter: &ConversationFilter,
        page: &PageRequest,
    ) -> Result<Page<Conversation>, StoreError> {
        let mut query = with_contact!()
            .filter(conversations::tenant_id.eq(self.tenant_id()))
            .order((last_activity_at().desc(), conversations::arrival.desc(), conversations::id.desc()))
            .limit(page.limit.plus_one())
            .into_boxed();
        if let Some(status) = filter.status {
            query = query.filter(conversations::status.eq(status.into_str()));
        }
        if let Some(assignee) = filter.assignee {
            query = query.filter(conversations::assignee_id.eq(assignee.as_uuid()));
        }
        if let Some(account) = filter.account {
            query = query.filter(conversations::account_id.eq(account.as_uuid()));
        }
        let position = (last_activity_at(), conversations::arrival, conversations::id);
        query = continue_after_arrival(query, page.after, position);
        let rows: Vec<NamedRow> = query.load(self.connection()).await.or_store_error()?;
        let conversations = with_titles(self, rows).await?;
        Ok(Page::of(conversations, page.limit, |conversation| Cursor {
            time: conversation.last_activity_at,
            arrival: conversation.arrival,
            id: conversation.id.as_uuid(),
        }))
    }

    async fn conversation(&mut self, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        let row: Option<NamedRow> = with_contact!()
            .filter(conversations::tenant_id.eq(self.tenant_id()))
            .filter(conversations::id.eq(id.as_uuid()))
            .first(self.connection())
            .await
            .optional()
            .or_store_error()?;
        Ok(with_titles(self, row.into_iter().collect()).await?.pop())
    }

    async fn lock_conversation(&mut self, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        let tenant = self.tenant_id();
        for statement in [LOCK_CONTACT, LOCK_CONVERSATION] {
            self.execute(sql(statement).bind::<types::Uuid, _>(tenant).bind::<types::Uuid, _>(id.as_uuid())).await?;
        }
        self.conversation(id).await
    }

    async fn update_conversation(&mut self, conversation: &Conversation) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        let statement = sql(UPDATE)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Uuid, _>(conversation.id.as_uuid())
            .bind::<types::Text, _>(conversation.status.into_str())
            .bind::<Nullable<types::Uuid>, _>(conversation.assignee.map(UserId::as_uuid))
            .bind::<types::Integer, _>(conversation.unread_count)
            .bind::<types::BigInt, _>(conversation.version);
        self.execute(statement).await?;
        Ok(())
    }

    async fn messages(
        &mut self,
        list: MessageList,
        page: &PageRequest,
        parts: MessageParts,
    ) -> Result<Page<Message>, StoreError> {
        super::message::list(self, list, page, parts).await
    }
}

async fn with_titles(tx: &mut Tx<Tenant>, rows: Vec<NamedRow>) -> Result<Vec<Conversation>, StoreError> {
    let titles = tx.titles(rows.iter().map(|(row, name, _)| (row.contact_id, name.as_str()))).await?;
    rows.into_iter().zip(titles).map(|(row, title)| into_conversation(row, title)).collect()
}

fn into_conversation(
    (row, contact_display_name, previous): NamedRow,
    contact_title: String,
) -> Result<Conversation, StoreError> {
    Ok(Conversation {
        id: ConversationId::from_uuid(row.id),
        account: AccountId::from_uuid(row.account_id),
        contact: ContactId::from_uuid(row.contact_id),
        contact_display_name,
        contact_title,
        status: closed_set::parse(&row.status, "conversations.status")?,
        is_imported: row.imported,
        previous: previous.map(ConversationId::from_uuid),
        assignee: row.assignee_id.map(UserId::from_uuid),
        unread_count: row.unread_count,
        last_message_at: row.last_message_at,
        last_activity_at: row.activity_at.unwrap_or(row.last_message_at).max(row.last_message_at),
        arrival: Arrival::new(row.arrival),
        last_message_preview: row.last_message_preview,
        service_window_ends_at: row.service_window_ends_at,
        read_only: row.read_only,
        version: row.version,
    })
}
