//! Reading, discarding and finishing events by request.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::{
    ExpressionMethods, OptionalExtension, PgExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper,
};
use diesel_async::RunQueryDsl;
use inbound::{DiscardFilter, ErrorClass, EventFilter, EventReader, FailedAttempt, TenantlessEventRepo, WebhookEvent};
use kernel::ids::{AccountId, EventId};
use kernel::{Cursor, Page, PageRequest, StoreError};
use uuid::Uuid;
use whatsapp::{EventKind, MetaAppKey};

use super::ledger::event_status;
use crate::closed_set;
use crate::error::OrStoreError;
use crate::keyset::continue_after;
use crate::schema::{webhook_attempts, webhook_events, webhook_payloads};
use crate::transaction::{Platform, Tenant, Tx};

#[derive(Queryable, Selectable)]
#[diesel(table_name = webhook_events)]
struct Row {
    id: Uuid,
    app_id: String,
    account_id: Option<Uuid>,
    kind: String,
    status: String,
    attempts: i32,
    replay_seq: i32,
    received_at: DateTime<Utc>,
    processed_at: Option<DateTime<Utc>>,
    next_attempt_at: Option<DateTime<Utc>>,
    error_class: Option<String>,
    last_error: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = webhook_attempts)]
struct AttemptRow {
    replay_seq: i32,
    attempt: i32,
    failed_at: DateTime<Utc>,
    error_class: String,
    error: String,
}

/// The owner of the events that a transaction reads: its tenant, or none.
trait EventsOf: Sync {
    fn owner(&self) -> Option<Uuid>;
}

impl EventsOf for Tx<Tenant> {
    fn owner(&self) -> Option<Uuid> {
        Some(self.tenant_id())
    }
}

impl EventsOf for Tx<Platform> {
    fn owner(&self) -> Option<Uuid> {
        None
    }
}

/// Events of the owner. Two conditions instead of IS NOT DISTINCT FROM, which no index serves.
fn events_of(owner: Option<Uuid>) -> webhook_events::BoxedQuery<'static, Pg> {
    match owner {
        Some(tenant) => webhook_events::table.filter(webhook_events::tenant_id.eq(tenant)).into_boxed(),
        None => webhook_events::table.filter(webhook_events::tenant_id.is_null()).into_boxed(),
    }
}

/// Payloads of the owner, in the same way.
fn payloads_of(owner: Option<Uuid>) -> webhook_payloads::BoxedQuery<'static, Pg> {
    match owner {
        Some(tenant) => webhook_payloads::table.filter(webhook_payloads::tenant_id.eq(tenant)).into_boxed(),
        None => webhook_payloads::table.filter(webhook_payloads::tenant_id.is_null()).into_boxed(),
    }
}

#[async_trait]
impl<Scope: Send> EventReader for Tx<Scope>
where
    Self: EventsOf,
{
    async fn events(&mut self, filter: &EventFilter, page: &PageRequest) -> Result<Page<WebhookEvent>, StoreError> {
        let mut query = events_of(self.owner())
            .order((webhook_events::received_at.desc(), webhook_events::id.desc()))
            .limit(page.limit.plus_one())
            .select(Row::as_select());
        if let Some(status) = filter.status {
            query = query.filter(webhook_events::status.eq(status.into_str()));
        }
        if let Some(kind) = &filter.kind {
            query = query.filter(webhook_events::kind.eq(kind.as_str()));
        }
        if let Some(account) = filter.account {
            query = query.filter(webhook_events::account_id.eq(account.as_uuid()));
        }
        if let Some(class) = filter.error_class {
            query = query.filter(webhook_events::error_class.eq(class.into_str()));
        }
        query = continue_after(query, page.after, webhook_events::received_at, webhook_events::id);
        let rows: Vec<Row> = query.load(self.connection()).await.or_store_error()?;
        let events = rows.into_iter().map(Row::into_event).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(events, page.limit, |event| Cursor::new(event.received_at, event.id.as_uuid())))
    }

    async fn event(&mut self, id: EventId) -> Result<Option<WebhookEvent>, StoreError> {
        let query = events_of(self.owner()).filter(webhook_events::id.eq(id.as_uuid())).select(Row::as_select());
        let row: Option<Row> = query.first(self.connection()).await.optional().or_store_error()?;
        row.map(Row::into_event).transpose()
    }

    async fn failed_attempts(&mut self, id: EventId) -> Result<Vec<FailedAttempt>, StoreError> {
        let Some(tenant) = self.owner() else { return Ok(Vec::new()) };
        let rows: Vec<AttemptRow> = webhook_attempts::table
            .filter(webhook_attempts::tenant_id.eq(tenant))
            .filter(webhook_attempts::event_id.eq(id.as_uuid()))
            .order((webhook_attempts::replay_seq, webhook_attempts::attempt))
            .select(AttemptRow::as_select())
            .load(self.connection())
            .await
            .or_store_error()?;
        rows.into_iter().map(AttemptRow::into_attempt).collect()
    }

    async fn event_payload(&mut self, id: EventId) -> Result<Option<Vec<u8>>, StoreError> {
        payloads_of(self.owner())
            .filter(webhook_payloads::event_id.eq(id.as_uuid()))
            .select(webhook_payloads::body)
            .first(self.connection())
            .await
            .optional()
            .or_store_error()
    }

    async fn discard_event(&mut self, id: EventId, now: DateTime<Utc>) -> Result<bool, StoreError> {
        end_dead_letter(self, id, "discarded", now).await
    }

    async fn discard_events(
        &mut self,
        filter: &DiscardFilter,
        now: DateTime<Utc>,
        limit: i64,
    ) -> Result<usize, StoreError> {
        let status = filter.status.into_str();
        let mut query = events_of(self.owner())
            .filter(webhook_events::status.eq(status))
            .order((webhook_events::received_at, webhook_events::id))
            .limit(limit)
            .select(webhook_events::id);
        if let Some(kind) = &filter.kind {
            query = query.filter(webhook_events::kind.eq(kind.as_str()));
        }
        if let Some(account) = filter.account {
            query = query.filter(webhook_events::account_id.eq(account.as_uuid()));
        }
        if let Some(class) = filter.error_class {
            query = query.filter(webhook_events::error_class.eq(class.into_str()));
        }
        let ids: Vec<Uuid> = query.load(self.connection()).await.or_store_error()?;
        // An event that another transaction replayed or assigned since is not changed.
        diesel::update(webhook_events::table)
            .filter(webhook_events::id.eq_any(ids))
            .filter(webhook_events::status.eq(status))
            .set((webhook_events::status.eq("discarded"), webhook_events::processed_at.eq(Some(now))))
            .execute(self.connection())
            .await
            .or_store_error()
    }
}

async fn end_dead_letter<Scope>(
    tx: &mut Tx<Scope>,
    id: EventId,
    status: &'static str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError>
where
    Tx<Scope>: EventsOf,
{
    let ended = diesel::update(webhook_events::table)
        .filter(webhook_events::id.eq(id.as_uuid()))
        .filter(webhook_events::tenant_id.is_not_distinct_from(tx.owner()))
        .filter(webhook_events::status.eq("dead_letter"))
        .set((webhook_events::status.eq(status), webhook_events::processed_at.eq(now)))
        .execute(tx.connection())
        .await
        .or_store_error()?;
    Ok(ended == 1)
}

#[async_trait]
impl TenantlessEventRepo for Tx<Platform> {
    async fn finish_reparsed_event(&mut self, id: EventId, now: DateTime<Utc>) -> Result<bool, StoreError> {
        // Not `processed`, which requires a tenant. Its content was stored as events of their own.
        end_dead_letter(self, id, "discarded", now).await
    }
}

impl Row {
    fn into_event(self) -> Result<WebhookEvent, StoreError> {
        Ok(WebhookEvent {
            id: EventId::from_uuid(self.id),
            app: MetaAppKey::from_stored(self.app_id),
            account: self.account_id.map(AccountId::from_uuid),
            kind: EventKind::from_stored(self.kind),
            status: event_status(&self.status)?,
            attempts: self.attempts,
            replays: self.replay_seq,
            received_at: self.received_at,
            processed_at: self.processed_at,
            next_attempt_at: self.next_attempt_at,
            error_class: self.error_class.as_deref().map(error_class).transpose()?,
            last_error: self.last_error,
        })
    }
}

impl AttemptRow {
    fn into_attempt(self) -> Result<FailedAttempt, StoreError> {
        Ok(FailedAttempt {
            replay: self.replay_seq,
            attempt: self.attempt,
            failed_at: self.failed_at,
            class: error_class(&self.error_class)?,
            error: self.error,
        })
    }
}

fn error_class(text: &str) -> Result<ErrorClass, StoreError> {
    closed_set::parse(text, "webhook_events.error_class")
}
