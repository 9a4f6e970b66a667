use audit::{Action, AuditRepo, Reason, Record, RequestOrigin, target};
use inbound::{EventRepo, ReplayFilter, ReplayLimit, WebhookEvent};
use kernel::ids::EventId;
use kernel::{Authorization, Clock, EventsReplay, StoreError};

/// What replaying and discarding events needs.
pub trait ReplayEventsTx: EventRepo + AuditRepo {}

impl<T: EventRepo + AuditRepo + ?Sized> ReplayEventsTx for T {}

#[derive(Debug, thiserror::Error)]
pub enum ReplayEventError {
    #[error("the event does not exist")]
    NotFound,
    /// It is not a dead letter, or its payload was deleted.
    #[error("the event cannot be replayed")]
    NotReplayable,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Processes a dead letter again: the current code on the original payload. Safe to repeat, since each message is stored once.
/// Returns the event as it is now.
///
/// # Errors
/// [`ReplayEventError`].
pub async fn replay_event(
    by: Authorization<EventsReplay>,
    tx: &mut dyn ReplayEventsTx,
    id: EventId,
    reason: &Reason,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<WebhookEvent, ReplayEventError> {
    let replayed = tx.replay_event(id, clock.now()).await?;
    let event = tx.event(id).await?.ok_or(ReplayEventError::NotFound)?;
    if !replayed {
        return Err(ReplayEventError::NotReplayable);
    }
    let record = Record::new((&by).into(), origin, Action::EventReplayed, clock).about(target::WEBHOOK_EVENT, &id);
    tx.append_audit_record(&record.with("reason", reason.as_str())).await?;
    Ok(event)
}

/// Processes the dead letters that match a filter again, oldest first. Returns their number. Their next attempts are spread, so
/// that new events do not wait behind all of them.
///
/// # Errors
/// [`StoreError`].
pub async fn replay_events(
    by: Authorization<EventsReplay>,
    tx: &mut dyn ReplayEventsTx,
    filter: &ReplayFilter,
    limit: ReplayLimit,
    reason: &Reason,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<usize, StoreError> {
    let replayed = tx.replay_events(filter, limit, clock.now()).await?;
    if replayed > 0 {
        let record = Record::new((&by).into(), origin, Action::EventsReplayed, clock)
            .with("reason", reason.as_str())
            .with("events", replayed)
            .with("status", filter.status.into_str())
            .with("kind", filter.kind.as_ref().map(whatsapp::EventKind::as_str))
            .with("account_id", filter.account.map(|account| account.to_string()))
            .with("error_class", filter.error_class.map(|class| class.into_str()));
        tx.append_audit_record(&record).await?;
    }
    Ok(replayed)
}

/// Counts the events that [`replay_events`] would replay. Changes nothing.
///
/// # Errors
/// [`StoreError`].
pub async fn count_replayable(
    _by: Authorization<EventsReplay>,
    repo: &mut dyn EventRepo,
    filter: &ReplayFilter,
    limit: ReplayLimit,
) -> Result<usize, StoreError> {
    repo.count_replayable(filter, limit).await
}

#[cfg(test)]
mod tests {
    use audit::Principal;
    use chrono::TimeDelta;
    use inbound::{ErrorClass, EventStatus, ReplayableStatus};
    use kernel::ids::AccountId;
    use whatsapp::EventKind;

    use super::*;
    use crate::fake::{FakeStore, changes, operator, origin, run};

    fn reason() -> Reason {
        Reason::parse("Mapping fixed").unwrap()
    }

    fn replay(store: &mut FakeStore, id: EventId) -> Result<WebhookEvent, ReplayEventError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(replay_event(permit.into(), store, id, &reason(), origin(), &*clock))
    }

    fn replay_all(store: &mut FakeStore, filter: &ReplayFilter, limit: u32) -> usize {
        let (permit, clock) = (store.permit(), store.clock.clone());
        let limit = ReplayLimit::new(limit).unwrap();
        run(replay_events(permit.into(), store, filter, limit, &reason(), origin(), &*clock)).unwrap()
    }

    /// Three dead letters, a second apart.
    fn with_dead_letters() -> (FakeStore, [EventId; 3]) {
        let mut store = FakeStore::new();
        let ids = [0; 3].map(|_| {
            store.clock.advance(TimeDelta::seconds(1));
            store.add_event(EventStatus::DeadLetter, Some("{}"))
        });
        (store, ids)
    }

    #[test]
    fn replayed_dead_letter_is_received_again() {
        let (mut store, [id, ..]) = with_dead_letters();
        let event = replay(&mut store, id).unwrap();
        assert_eq!((event.id, event.status, event.replays), (id, EventStatus::Received, 1));
        let [record] = &store.audit_log[..] else { panic!("{:?}", store.audited()) };
        assert_eq!((record.action, record.actor), (Action::EventReplayed, Principal::User(store.caller)));
        let about = record.target.as_ref().unwrap();
        assert_eq!((about.kind, &about.id), (target::WEBHOOK_EVENT, &id.to_string()));
        assert_eq!(changes(record), [r#"reason="Mapping fixed""#]);
    }

    #[test]
    fn operator_is_recorded_as_the_one_who_replays() {
        let (mut store, [id, ..]) = with_dead_letters();
        let clock = store.clock.clone();
        run(replay_event(operator().into(), &mut store, id, &reason(), origin(), &*clock)).unwrap();
        assert_eq!(store.audit_log[0].actor, Principal::CommandLine);
    }

    #[test]
    fn missing_event_cannot_be_replayed() {
        let mut store = FakeStore::new();
        let missing = EventId::new(&*store.clock);
        assert!(matches!(replay(&mut store, missing), Err(ReplayEventError::NotFound)));
        assert!(store.audit_log.is_empty());
    }

    #[test]
    fn event_that_is_no_dead_letter_is_not_replayable() {
        for status in [EventStatus::Received, EventStatus::Retrying, EventStatus::Processed, EventStatus::Held] {
            let mut store = FakeStore::new();
            let id = store.add_event(status, Some("{}"));
            assert!(matches!(replay(&mut store, id), Err(ReplayEventError::NotReplayable)), "{status:?}");
            assert!(store.audit_log.is_empty());
        }
    }

    #[test]
    fn dead_letter_without_its_payload_is_not_replayable() {
        let mut store = FakeStore::new();
        let id = store.add_event(EventStatus::DeadLetter, None);
        assert!(matches!(replay(&mut store, id), Err(ReplayEventError::NotReplayable)));
        assert_eq!((store.status_of(id), store.audit_log.len()), (EventStatus::DeadLetter, 0));
    }

    #[test]
    fn second_of_two_replays_is_refused() {
        let (mut store, [id, ..]) = with_dead_letters();
        replay(&mut store, id).unwrap();
        assert!(matches!(replay(&mut store, id), Err(ReplayEventError::NotReplayable)));
        assert_eq!(store.audited(), [Action::EventReplayed]);
    }

    #[test]
    fn replay_of_many_is_audited_with_its_filter() {
        let (mut store, [first, second, third]) = with_dead_letters();
        let account = AccountId::new(&*store.clock);
        for stored in &mut store.events.stored[..2] {
            (stored.event.account, stored.event.error_class) = (Some(account), Some(ErrorClass::Permanent));
        }
        let filter = ReplayFilter {
            status: ReplayableStatus::DeadLetter,
            kind: Some(EventKind::message()),
            account: Some(account),
            error_class: Some(ErrorClass::Permanent),
        };
        assert_eq!(replay_all(&mut store, &filter, 10), 2);
        let statuses = [first, second, third].map(|id| store.status_of(id));
        assert_eq!(statuses, [EventStatus::Received, EventStatus::Received, EventStatus::DeadLetter]);
        // One record, whatever the number of events.
        let [record] = &store.audit_log[..] else { panic!("{:?}", store.audited()) };
        assert_eq!((record.action, &record.target), (Action::EventsReplayed, &None));
        assert_eq!(
            changes(record),
            [
                format!(r#"account_id="{account}""#),
                r#"error_class="permanent""#.to_owned(),
                "events=2".to_owned(),
                r#"kind="message""#.to_owned(),
                r#"reason="Mapping fixed""#.to_owned(),
                r#"status="dead_letter""#.to_owned()
            ]
        );
    }

    #[test]
    fn replay_stops_at_its_limit() {
        let (mut store, ids) = with_dead_letters();
        assert_eq!(replay_all(&mut store, &ReplayFilter::default(), 2), 2);
        assert_eq!(store.status_of(ids[2]), EventStatus::DeadLetter);
        assert_eq!(store.audit_log[0].changes["events"], 2);
        assert_eq!(store.audit_log[0].changes["status"], "dead_letter");
    }

    #[test]
    fn replay_that_finds_no_event_is_not_audited() {
        let (mut store, _) = with_dead_letters();
        let discarded = ReplayFilter { status: ReplayableStatus::Discarded, ..ReplayFilter::default() };
        assert_eq!(replay_all(&mut store, &discarded, 10), 0);
        assert!(store.audit_log.is_empty());
    }

    #[test]
    fn counting_replayable_events_changes_nothing() {
        let (mut store, ids) = with_dead_letters();
        for (limit, expected) in [(2, 2), (10, 3)] {
            let (by, limit) = (store.permit().into(), ReplayLimit::new(limit).unwrap());
            let counted = run(count_replayable(by, &mut store, &ReplayFilter::default(), limit)).unwrap();
            assert_eq!(counted, expected);
        }
        assert!(ids.iter().all(|id| store.status_of(*id) == EventStatus::DeadLetter));
        assert!(store.audit_log.is_empty());
    }
}
