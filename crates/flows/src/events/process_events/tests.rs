use chrono::TimeDelta;
use inbound::EventStatus;
use kernel::ids::AccountId;
use whatsapp::EventKind;

use super::*;
use crate::fake::{FakeStore, at, day, run};

const ACCOUNT: AccountId = AccountId::from_uuid(uuid::Uuid::from_u128(3));

/// A stored event as a worker loads it.
fn queued(store: &mut FakeStore, kind: EventKind, payload: &str) -> UnfinishedEvent {
    let id = store.add_event(EventStatus::Received, Some(payload));
    UnfinishedEvent {
        of_disconnected_account: false,
        id,
        tenant: None,
        account: Some(ACCOUNT),
        kind,
        status: EventStatus::Received,
        attempts: 0,
        starts: 0,
        traceparent: None,
        received_at: store.clock.now(),
        arrival: kernel::Arrival::ZERO,
        size: payload.len(),
    }
}

/// A message of a customer.
fn message(store: &mut FakeStore, wamid: &str) -> UnfinishedEvent {
    let payload = format!(
        r#"{{"id":"900","changes":[{{"field":"messages","value":{{"metadata":{{"phone_number_id":"100"}},
            "messages":[{{"id":"{wamid}","from":"15550100","type":"text","text":{{"body":"Hi"}}}}]}}}}]}}"#
    );
    queued(store, EventKind::message(), &payload)
}

/// A message that the business sent from the app on its phone.
fn echo(store: &mut FakeStore, wamid: &str) -> UnfinishedEvent {
    let payload = format!(
        r#"{{"id":"900","changes":[{{"field":"smb_message_echoes","value":{{"metadata":{{"phone_number_id":"100"}},
            "message_echoes":[{{"id":"{wamid}","to":"15550100","type":"text","text":{{"body":"Hi"}}}}]}}}}]}}"#
    );
    queued(store, EventKind::field("smb_message_echoes"), &payload)
}

/// A report of Meta about the account, at a time in seconds.
fn report(store: &mut FakeStore, seconds: i64) -> UnfinishedEvent {
    let time = at(seconds).timestamp();
    let payload =
        format!(r#"{{"id":"900","time":{time},"changes":[{{"field":"account_update","value":{{"n":{seconds}}}}}]}}"#);
    queued(store, EventKind::field("account_update"), &payload)
}

fn process(store: &mut FakeStore, events: &[UnfinishedEvent]) -> ProcessedEvents {
    let clock = store.clock.clone();
    run(async {
        let locked = lock_events(store, events, &*clock).await?;
        process_events(
            store,
            locked,
            &AttemptRefs::new(&kernel::seal::KeyRing::new([("k".to_owned(), vec![7; 32].into())]).unwrap()),
            &*clock,
        )
        .await
    })
    .unwrap()
}

#[test]
fn event_that_cannot_be_decoded_affects_no_other() {
    let mut store = FakeStore::new();
    let events = [message(&mut store, "m1"), queued(&mut store, EventKind::message(), "{}"), message(&mut store, "m2")];
    let processed = process(&mut store, &events);
    assert_eq!((processed.finished, processed.messages), (vec![events[0].id, events[2].id], 2));
    let reason = "the payload is not an entry with one change".to_owned();
    assert_eq!(processed.dead_letters, [DeadLetter { event: events[1].id, reason: reason.clone() }]);
    let statuses = [0, 1, 2].map(|n: usize| store.status_of(events[n].id));
    assert_eq!(statuses, [EventStatus::Processed, EventStatus::DeadLetter, EventStatus::Processed]);
    let dead = store.stored_event(events[1].id);
    assert_eq!((dead.error_class, &dead.last_error), (Some(ErrorClass::Permanent), &Some(reason)));
}

#[test]
fn event_that_names_no_account_is_dead_lettered() {
    let mut store = FakeStore::new();
    let event = UnfinishedEvent { account: None, ..message(&mut store, "m1") };
    let processed = process(&mut store, &[event]);
    assert_eq!(processed.dead_letters[0].reason, "the event names no account");
    assert!(store.inbox.messages.is_empty());
}

#[test]
fn event_without_an_effect_is_finished() {
    let mut store = FakeStore::new();
    let payload = r#"{"id":"900","changes":[{"field":"flows","value":{}}]}"#;
    let event = queued(&mut store, EventKind::field("flows"), payload);
    // Nothing of it is recorded, so it needs no account.
    let id = event.id;
    assert_eq!(process(&mut store, &[UnfinishedEvent { account: None, ..event }]).finished, [id]);
    assert_eq!(store.status_of(id), EventStatus::Processed);
}

#[test]
fn event_that_another_worker_finished_is_skipped() {
    let mut store = FakeStore::new();
    let events = [message(&mut store, "m1"), message(&mut store, "m2")];
    store.events.stored[0].event.status = EventStatus::DeadLetter;
    assert_eq!(process(&mut store, &events).finished, [events[1].id]);
    assert_eq!(store.status_of(events[0].id), EventStatus::DeadLetter);
    assert_eq!(store.inbox.messages.iter().map(|it| it.wamid.as_str()).collect::<Vec<_>>(), ["m2"]);
}

#[test]
fn event_is_skipped_until_its_next_attempt() {
    let mut store = FakeStore::new();
    let events = [message(&mut store, "m1")];
    let stored = &mut store.events.stored[0].event;
    (stored.status, stored.next_attempt_at) = (EventStatus::Retrying, Some(at(5)));
    assert!(process(&mut store, &events).finished.is_empty() && store.inbox.messages.is_empty());
    store.clock.advance(TimeDelta::seconds(5));
    assert_eq!(process(&mut store, &events).finished, [events[0].id]);
}

#[test]
fn message_counts_on_the_day_of_its_receipt() {
    let mut store = FakeStore::new();
    let first = message(&mut store, "m1");
    store.clock.advance(TimeDelta::days(1));
    let second = message(&mut store, "m2");
    // Both are processed late.
    store.clock.advance(TimeDelta::days(1));
    process(&mut store, &[first, second]);
    assert_eq!(store.billing.messages, [(day("2027-01-15"), 1), (day("2027-01-16"), 1)].into());
}

#[test]
fn message_delivered_again_is_counted_once() {
    let mut store = FakeStore::new();
    let events = [message(&mut store, "m1"), message(&mut store, "m1")];
    assert_eq!(process(&mut store, &events).messages, 1);
    let again = message(&mut store, "m1");
    let processed = process(&mut store, &[again]);
    assert_eq!((processed.messages, processed.finished.len()), (0, 1));
    assert_eq!(store.billing.messages, [(day("2027-01-15"), 1)].into());
}

#[test]
fn message_of_the_business_is_not_counted() {
    let mut store = FakeStore::new();
    let event = echo(&mut store, "m1");
    assert_eq!(process(&mut store, &[event]).messages, 1);
    assert!(store.billing.messages.is_empty());
}

#[test]
fn reports_about_an_account_are_recorded_by_their_times() {
    let mut store = FakeStore::new();
    let events = [report(&mut store, -10), report(&mut store, -30), report(&mut store, -20)];
    process(&mut store, &events);
    let times: Vec<_> = store.channels.health.iter().map(|it| (it.account, it.reported_at)).collect();
    assert_eq!(times, [(ACCOUNT, at(-30)), (ACCOUNT, at(-20)), (ACCOUNT, at(-10))]);
}

/// An event of Meta's about the template 7, at a time in seconds.
fn of_template(store: &mut FakeStore, seconds: i64, field: &str, members: &str) -> UnfinishedEvent {
    let time = at(seconds).timestamp();
    let payload = format!(
        r#"{{"id":"900","time":{time},"changes":[{{"field":"{field}","value":{{"message_template_id":7,{members}}}}}]}}"#
    );
    queued(store, EventKind::field(field), &payload)
}

#[test]
fn events_of_a_template_change_its_copy() {
    let mut store = FakeStore::new();
    let id = store.add_template("7", "hello", "APPROVED");
    let status = "message_template_status_update";
    let events = [
        of_template(&mut store, 2, status, r#""event":"PAUSED","reason":"LOW_QUALITY""#),
        of_template(&mut store, 1, status, r#""event":"REINSTATED""#),
        of_template(&mut store, 1, "message_template_quality_update", r#""new_quality_score":"RED""#),
        of_template(&mut store, 1, "template_category_update", r#""new_category":"MARKETING""#),
    ];
    assert_eq!(process(&mut store, &events).finished.len(), 4);
    let template = &store.template_of(id).template;
    assert_eq!(template.status, outbound::TemplateStatus::Paused, "in the order of their times");
    assert_eq!(template.rejection_reason.as_deref(), Some("LOW_QUALITY"));
    assert_eq!(template.quality, outbound::TemplateQuality::Red);
    assert_eq!(template.category, outbound::TemplateCategory::Marketing);
    assert!(store.jobs.is_empty());
}

#[test]
fn what_an_event_does_not_say_is_read_from_meta() {
    let status = "message_template_status_update";
    for (stored, field, members) in [
        ("7", "message_template_components_update", r#""message_template_element":"Hi""#),
        ("7", status, r#""event":"UNARCHIVED""#),
        ("8", status, r#""event":"APPROVED""#),
    ] {
        let mut store = FakeStore::new();
        store.add_template(stored, "hello", "APPROVED");
        let event = of_template(&mut store, 1, field, members);
        process(&mut store, &[event]);
        assert_eq!(store.scheduled(), ["template_sync 900"], "{field} {members}");
    }
}
