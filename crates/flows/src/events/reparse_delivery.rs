use audit::{Action, PlatformAuditRepo, Reason, Record, RequestOrigin, target};
use inbound::{EventIntake, EventStatus, IncomingEvent, TenantlessEventRepo, UnusableQuota};
use kernel::ids::EventId;
use kernel::{Clock, Operator, StoreError, Traceparent};
use whatsapp::{EventKind, split};

/// What [`reparse_delivery`] needs.
pub trait ReparseDeliveryTx: TenantlessEventRepo + EventIntake + PlatformAuditRepo {}

impl<T: TenantlessEventRepo + EventIntake + PlatformAuditRepo + ?Sized> ReparseDeliveryTx for T {}

#[derive(Debug, thiserror::Error)]
pub enum ReparseDeliveryError {
    #[error("the event does not exist")]
    NotFound,
    #[error(
        "only a dead letter whose payload is kept can be replayed; events that wait for their number are processed when it is connected"
    )]
    NotReplayable,
    #[error("the payload still cannot be parsed")]
    StillUnparsed,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Parses a delivery again that could not be parsed when it arrived, and stores its events as if it had just arrived. Returns
/// the number of new events.
///
/// # Errors
/// [`ReparseDeliveryError`]: nothing changed.
pub async fn reparse_delivery(
    operator: Operator,
    tx: &mut dyn ReparseDeliveryTx,
    id: EventId,
    reason: &Reason,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<usize, ReparseDeliveryError> {
    let now = clock.now();
    let event = tx.event(id).await?.ok_or(ReparseDeliveryError::NotFound)?;
    let payload = tx.event_payload(id).await?.filter(|_| event.status == EventStatus::DeadLetter);
    let payload = payload.ok_or(ReparseDeliveryError::NotReplayable)?;
    let events = split(&payload, clock);
    if events.iter().any(|event| event.kind == EventKind::unparsed()) {
        return Err(ReparseDeliveryError::StillUnparsed);
    }
    if !tx.finish_reparsed_event(id, now).await? {
        return Err(ReparseDeliveryError::NotReplayable);
    }
    let trace = Traceparent::start(clock);
    let incoming = |it| IncomingEvent { app: event.app.clone(), trace, event: it };
    let events: Vec<IncomingEvent> = events.into_iter().map(incoming).collect();
    let stored = tx.store_events(&events, UnusableQuota::default(), now).await?.stored.len();
    let record = Record::new(operator.into(), origin, Action::EventReplayed, clock).about(target::WEBHOOK_EVENT, &id);
    tx.append_platform_audit_record(&record.with("reason", reason.as_str()).with("events", stored)).await?;
    Ok(stored)
}

#[cfg(test)]
mod tests {
    use audit::Principal;

    use super::*;
    use crate::fake::{FakeStore, changes, operator, origin, run};

    /// A delivery of two messages.
    const DELIVERY: &str = r#"{"entry":[{"id":"900","changes":[{"field":"messages","value":{
        "metadata":{"phone_number_id":"100"},
        "messages":[{"id":"wamid.B","from":"1"},{"id":"wamid.A","from":"1"}]}}]}]}"#;

    fn reparse(store: &mut FakeStore, id: EventId) -> Result<usize, ReparseDeliveryError> {
        let (clock, reason) = (store.clock.clone(), Reason::parse("Parser fixed").unwrap());
        run(reparse_delivery(operator(), store, id, &reason, origin(), &*clock))
    }

    /// The error of a refused reparse, which changes nothing.
    fn refusal(store: &mut FakeStore, id: EventId) -> ReparseDeliveryError {
        let statuses = |store: &FakeStore| store.events.stored.iter().map(|it| it.event.status).collect::<Vec<_>>();
        let before = statuses(store);
        let error = reparse(store, id).unwrap_err();
        assert_eq!(statuses(store), before);
        assert!(store.events.received.is_empty() && store.platform_audit_log.is_empty());
        error
    }

    #[test]
    fn reparsed_delivery_is_stored_as_its_events() {
        let mut store = FakeStore::new();
        let id = store.add_event(EventStatus::DeadLetter, Some(DELIVERY));
        assert_eq!(reparse(&mut store, id).unwrap(), 2);
        let keys: Vec<&str> = store.events.received.iter().map(|it| it.event.dedupe_key.as_str()).collect();
        assert_eq!(keys, ["m:100:wamid.B", "m:100:wamid.A"]);
        assert!(store.events.received.iter().all(|it| it.app == store.stored_event(id).app));
        assert_eq!(store.status_of(id), EventStatus::Discarded);
        let [record] = &store.platform_audit_log[..] else { panic!("{:?}", store.audited_on_platform()) };
        assert_eq!((record.action, record.actor), (Action::EventReplayed, Principal::CommandLine));
        assert_eq!(record.target.as_ref().unwrap().id, id.to_string());
        assert_eq!(changes(record), ["events=2", r#"reason="Parser fixed""#]);
    }

    #[test]
    fn events_that_arrived_otherwise_are_not_counted() {
        let mut store = FakeStore::new();
        let [first, second] = [0; 2].map(|_| store.add_event(EventStatus::DeadLetter, Some(DELIVERY)));
        reparse(&mut store, first).unwrap();
        assert_eq!(reparse(&mut store, second).unwrap(), 0);
        assert_eq!((store.status_of(second), store.events.received.len()), (EventStatus::Discarded, 2));
        assert_eq!(store.platform_audit_log[1].changes["events"], 0);
    }

    #[test]
    fn missing_delivery_cannot_be_reparsed() {
        let mut store = FakeStore::new();
        let missing = EventId::new(&*store.clock);
        assert!(matches!(refusal(&mut store, missing), ReparseDeliveryError::NotFound));
    }

    #[test]
    fn only_a_dead_letter_with_its_payload_is_reparsed() {
        let mut store = FakeStore::new();
        // An event that waits for its number is stored already.
        let waiting = store.add_event(EventStatus::Unroutable, Some(DELIVERY));
        let purged = store.add_event(EventStatus::DeadLetter, None);
        let discarded = store.add_event(EventStatus::Discarded, Some("no json"));
        for id in [waiting, purged, discarded] {
            assert!(matches!(refusal(&mut store, id), ReparseDeliveryError::NotReplayable));
        }
    }

    #[test]
    fn delivery_that_still_cannot_be_parsed_stays_a_dead_letter() {
        // One part that is not understood keeps the whole delivery, so that it is not lost.
        let partly = DELIVERY.replacen(r#"{"id":"wamid.A","from":"1"}"#, "7", 1);
        for payload in ["no json", &partly] {
            let mut store = FakeStore::new();
            let id = store.add_event(EventStatus::DeadLetter, Some(payload));
            assert!(matches!(refusal(&mut store, id), ReparseDeliveryError::StillUnparsed), "{payload}");
        }
    }

    #[test]
    fn delivery_that_was_finished_meanwhile_is_not_stored() {
        let mut store = FakeStore::new();
        let id = store.add_event(EventStatus::DeadLetter, Some(DELIVERY));
        store.events.are_finished_meanwhile = true;
        assert!(matches!(refusal(&mut store, id), ReparseDeliveryError::NotReplayable));
    }
}
