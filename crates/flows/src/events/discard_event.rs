use audit::{Action, AuditRepo, PlatformAuditRepo, Principal, Reason, Record, RequestOrigin, target};
use inbound::{DiscardFilter, EventReader, TenantlessEventRepo, WebhookEvent};
use kernel::ids::EventId;
use kernel::{Authorization, Clock, EventsReplay, Operator, StoreError};

use super::replay_events::ReplayEventsTx;

#[derive(Debug, thiserror::Error)]
pub enum DiscardEventError {
    #[error("the event does not exist")]
    NotFound,
    #[error("the event is not a dead letter")]
    NotDeadLetter,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Discards a dead letter. It can still be replayed while its payload is kept. Returns the event as it is now.
///
/// # Errors
/// [`DiscardEventError`].
pub async fn discard_event(
    by: Authorization<EventsReplay>,
    tx: &mut dyn ReplayEventsTx,
    id: EventId,
    reason: &Reason,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<WebhookEvent, DiscardEventError> {
    let record = discarded((&by).into(), id, reason, origin, clock);
    let event = discard(tx, id, clock).await?;
    AuditRepo::append_audit_record(tx, &record).await?;
    Ok(event)
}

/// What [`discard_tenantless_event`] needs.
pub trait DiscardTenantlessEventTx: TenantlessEventRepo + PlatformAuditRepo {}

impl<T: TenantlessEventRepo + PlatformAuditRepo + ?Sized> DiscardTenantlessEventTx for T {}

/// Discards a dead letter that belongs to no tenant.
///
/// # Errors
/// [`DiscardEventError`].
pub async fn discard_tenantless_event(
    operator: Operator,
    tx: &mut dyn DiscardTenantlessEventTx,
    id: EventId,
    reason: &Reason,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<WebhookEvent, DiscardEventError> {
    let record = discarded(operator.into(), id, reason, origin, clock);
    let event = discard(tx, id, clock).await?;
    PlatformAuditRepo::append_platform_audit_record(tx, &record).await?;
    Ok(event)
}

/// Events that one transaction of a bulk request discards.
const DISCARDED_AT_ONCE: i64 = 1_000;

/// Discards a limited number of the tenant's events that match a filter. Returns their number; the caller repeats it until there
/// are none.
///
/// # Errors
/// [`StoreError`].
pub async fn discard_events(
    by: Authorization<EventsReplay>,
    tx: &mut dyn ReplayEventsTx,
    filter: &DiscardFilter,
    reason: &Reason,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<usize, StoreError> {
    let discarded = tx.discard_events(filter, clock.now(), DISCARDED_AT_ONCE).await?;
    if discarded > 0 {
        let record = all_discarded((&by).into(), filter, discarded, reason, origin, clock);
        AuditRepo::append_audit_record(tx, &record).await?;
    }
    Ok(discarded)
}

/// The same for events that belong to no tenant.
///
/// # Errors
/// [`StoreError`].
pub async fn discard_tenantless_events(
    operator: Operator,
    tx: &mut dyn DiscardTenantlessEventTx,
    filter: &DiscardFilter,
    reason: &Reason,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<usize, StoreError> {
    let discarded = tx.discard_events(filter, clock.now(), DISCARDED_AT_ONCE).await?;
    if discarded > 0 {
        let record = all_discarded(operator.into(), filter, discarded, reason, origin, clock);
        PlatformAuditRepo::append_platform_audit_record(tx, &record).await?;
    }
    Ok(discarded)
}

fn all_discarded(
    actor: Principal,
    filter: &DiscardFilter,
    events: usize,
    reason: &Reason,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Record {
    Record::new(actor, origin, Action::EventsDiscarded, clock)
        .with("reason", reason.as_str())
        .with("events", events)
        .with("status", filter.status.into_str())
        .with("kind", filter.kind.as_ref().map(whatsapp::EventKind::as_str))
        .with("account_id", filter.account.map(|account| account.to_string()))
        .with("error_class", filter.error_class.map(|class| class.into_str()))
}

async fn discard(
    repo: &mut dyn EventReader,
    id: EventId,
    clock: &dyn Clock,
) -> Result<WebhookEvent, DiscardEventError> {
    let discarded = repo.discard_event(id, clock.now()).await?;
    let event = repo.event(id).await?.ok_or(DiscardEventError::NotFound)?;
    if discarded { Ok(event) } else { Err(DiscardEventError::NotDeadLetter) }
}

fn discarded(actor: Principal, id: EventId, reason: &Reason, origin: RequestOrigin, clock: &dyn Clock) -> Record {
    Record::new(actor, origin, Action::EventDiscarded, clock)
        .about(target::WEBHOOK_EVENT, &id)
        .with("reason", reason.as_str())
}

#[cfg(test)]
mod tests {
    use inbound::EventStatus;

    use super::*;
    use crate::fake::{FakeStore, changes, operator, origin, run};

    fn reason() -> Reason {
        Reason::parse("Test number").unwrap()
    }

    fn discard(store: &mut FakeStore, id: EventId) -> Result<WebhookEvent, DiscardEventError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(discard_event(permit.into(), store, id, &reason(), origin(), &*clock))
    }

    fn discard_tenantless(store: &mut FakeStore, id: EventId) -> Result<WebhookEvent, DiscardEventError> {
        let clock = store.clock.clone();
        run(discard_tenantless_event(operator(), store, id, &reason(), origin(), &*clock))
    }

    #[test]
    fn discarded_event_is_audited_with_the_reason() {
        let mut store = FakeStore::new();
        let id = store.add_event(EventStatus::DeadLetter, Some("{}"));
        let event = discard(&mut store, id).unwrap();
        assert_eq!((event.status, event.processed_at), (EventStatus::Discarded, Some(store.clock.now())));
        let [record] = &store.audit_log[..] else { panic!("{:?}", store.audited()) };
        assert_eq!((record.action, record.actor), (Action::EventDiscarded, Principal::User(store.caller)));
        assert_eq!(record.target.as_ref().unwrap().id, id.to_string());
        assert_eq!(changes(record), [r#"reason="Test number""#]);
        assert!(store.platform_audit_log.is_empty());
    }

    #[test]
    fn bulk_discard_is_audited_once_with_its_number() {
        let mut store = FakeStore::new();
        for _ in 0..3 {
            store.add_event(EventStatus::DeadLetter, Some("{}"));
        }
        let (clock, filter) = (store.clock.clone(), DiscardFilter::default());
        for expected in [3, 0] {
            let discarded =
                run(discard_tenantless_events(operator(), &mut store, &filter, &reason(), origin(), &*clock));
            assert_eq!(discarded.unwrap(), expected);
        }
        let [record] = &store.platform_audit_log[..] else { panic!("one record") };
        assert_eq!((record.action, &record.changes["events"]), (Action::EventsDiscarded, &3.into()));
    }

    #[test]
    fn event_without_a_tenant_is_audited_on_the_platform() {
        let mut store = FakeStore::new();
        let id = store.add_event(EventStatus::DeadLetter, Some("{}"));
        assert_eq!(discard_tenantless(&mut store, id).unwrap().status, EventStatus::Discarded);
        let [record] = &store.platform_audit_log[..] else { panic!("{:?}", store.audited_on_platform()) };
        assert_eq!((record.action, record.actor), (Action::EventDiscarded, Principal::CommandLine));
        assert_eq!(record.target.as_ref().unwrap().id, id.to_string());
        assert_eq!(changes(record), [r#"reason="Test number""#]);
        assert!(store.audit_log.is_empty());
    }

    #[test]
    fn missing_event_cannot_be_discarded() {
        let mut store = FakeStore::new();
        let missing = EventId::new(&*store.clock);
        assert!(matches!(discard(&mut store, missing), Err(DiscardEventError::NotFound)));
        assert!(matches!(discard_tenantless(&mut store, missing), Err(DiscardEventError::NotFound)));
        assert!(store.audit_log.is_empty() && store.platform_audit_log.is_empty());
    }

    #[test]
    fn event_that_is_no_dead_letter_is_not_discarded() {
        for status in [EventStatus::Received, EventStatus::Processed, EventStatus::Unroutable] {
            let mut store = FakeStore::new();
            let id = store.add_event(status, Some("{}"));
            assert!(matches!(discard(&mut store, id), Err(DiscardEventError::NotDeadLetter)), "{status:?}");
            assert!(matches!(discard_tenantless(&mut store, id), Err(DiscardEventError::NotDeadLetter)), "{status:?}");
            assert_eq!(store.status_of(id), status);
            assert!(store.audit_log.is_empty() && store.platform_audit_log.is_empty());
        }
    }

    #[test]
    fn second_of_two_discards_is_refused() {
        let mut store = FakeStore::new();
        let id = store.add_event(EventStatus::DeadLetter, None);
        discard(&mut store, id).unwrap();
        assert!(matches!(discard(&mut store, id), Err(DiscardEventError::NotDeadLetter)));
        assert_eq!(store.audited(), [Action::EventDiscarded]);
    }
}
