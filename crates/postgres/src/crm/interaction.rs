use async_trait::async_trait;
use chrono::{DateTime, Utc};
use crm::{Interaction, InteractionRepo};
use diesel::sql_types::Nullable;
use diesel::{ExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::RunQueryDsl;
use kernel::ids::{ApiKeyId, ContactId, InteractionId, MessageId, UserId};
use kernel::{Actor, Arrival, Cursor, Page, PageRequest, StoreError};
use uuid::Uuid;

use crate::closed_set;
use crate::error::OrStoreError;
use crate::keyset::continue_after_arrival;
use crate::schema::interactions;
use crate::sql::types;
use crate::transaction::{Tenant, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = interactions)]
struct Row {
    id: Uuid,
    contact_id: Uuid,
    kind: String,
    text: String,
    actor_id: Option<Uuid>,
    api_key_id: Option<Uuid>,
    message_id: Option<Uuid>,
    source: Option<String>,
    occurred_at: DateTime<Utc>,
    arrival: i64,
}

/// The message that an entry is about, if it is stored.
const ABOUT: &str = "
(SELECT m.id FROM messages m
  WHERE m.tenant_id = interactions.tenant_id AND m.account_id = interactions.account_id AND m.wamid = interactions.wamid)";

#[async_trait]
impl InteractionRepo for Tx<Tenant> {
    async fn interactions(&mut self, contact: ContactId, page: &PageRequest) -> Result<Page<Interaction>, StoreError> {
        let mut query = interactions::table
            .filter(interactions::tenant_id.eq(self.tenant_id()))
            .filter(interactions::contact_id.eq(contact.as_uuid()))
            .order((interactions::occurred_at.desc(), interactions::arrival.desc(), interactions::id.desc()))
            .limit(page.limit.plus_one())
            .select((Row::as_select(), diesel::dsl::sql::<Nullable<types::Uuid>>(ABOUT)))
            .into_boxed();
        let position = (interactions::occurred_at, interactions::arrival, interactions::id);
        query = continue_after_arrival(query, page.after, position);
        let rows: Vec<(Row, Option<Uuid>)> = query.load(self.connection()).await.or_store_error()?;
        let interactions =
            rows.into_iter().map(|(row, about)| row.into_interaction(about)).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(interactions, page.limit, |interaction| Cursor {
            time: interaction.occurred_at,
            arrival: interaction.arrival,
            id: interaction.id.as_uuid(),
        }))
    }
}

impl Row {
    fn into_interaction(self, about: Option<Uuid>) -> Result<Interaction, StoreError> {
        let user = self.actor_id.map(UserId::from_uuid);
        let key = self.api_key_id.map(ApiKeyId::from_uuid);
        Ok(Interaction {
            id: InteractionId::from_uuid(self.id),
            contact: ContactId::from_uuid(self.contact_id),
            kind: closed_set::parse(&self.kind, "interactions.kind")?,
            text: self.text,
            actor: user.map(Actor::User).or(key.map(Actor::ApiKey)),
            message: self.message_id.or(about).map(MessageId::from_uuid),
            about: None,
            source: self.source,
            occurred_at: self.occurred_at,
            arrival: Arrival::new(self.arrival),
        })
    }
}
