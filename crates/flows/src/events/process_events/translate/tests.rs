use inbound::EventStatus;
use kernel::ManualClock;
use kernel::ids::EventId;
use whatsapp::{CallUpdate, ConsentUpdate, EventKind, StatusUpdate};

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn event(received_at: DateTime<Utc>) -> UnfinishedEvent {
    let clock = ManualClock::starting_at(received_at);
    UnfinishedEvent {
        of_disconnected_account: false,
        id: EventId::new(&clock),
        tenant: None,
        account: Some(AccountId::new(&clock)),
        kind: EventKind::message(),
        status: EventStatus::Received,
        attempts: 0,
        starts: 0,
        traceparent: None,
        received_at,
        arrival: Arrival::ZERO,
        size: 0,
    }
}

fn translate(update: Update) -> TranslatedEvents {
    let mut translated = TranslatedEvents::default();
    translated.add(&event(at(0)), "900".to_owned(), update).unwrap();
    translated
}

fn customer() -> Party {
    Party { phones: vec!["15550100".to_owned()], ..Party::default() }
}

fn message(wamid: &str, timestamp: Option<DateTime<Utc>>) -> Update {
    let message =
        DecodedMessage { wamid: wamid.to_owned(), customer: customer(), timestamp, ..DecodedMessage::default() };
    Update::Message(Box::new(message))
}

fn status(customer: Party) -> Update {
    Update::Status(StatusUpdate {
        target: "m1".to_owned(),
        status: "read".to_owned(),
        participant: String::new(),
        customer,
        opaque: None,
        payload: "{}".to_owned(),
        timestamp: Some(at(-1)),
    })
}

#[test]
fn event_without_an_account_cannot_be_processed() {
    let event = UnfinishedEvent { account: None, ..event(at(0)) };
    let outcome = TranslatedEvents::default().add(&event, "900".to_owned(), message("m1", None));
    assert_eq!(outcome, Err("the event names no account".to_owned()));
}

#[test]
fn time_more_than_an_hour_ahead_is_replaced_by_the_receipt() {
    for (timestamp, expected) in
        [(Some(at(3_600)), at(3_600)), (Some(at(3_601)), at(0)), (Some(at(-9)), at(-9)), (None, at(0))]
    {
        assert_eq!(translate(message("m1", timestamp)).batch.messages[0].provider_timestamp, expected);
    }
}

#[test]
fn message_delivered_twice_keeps_its_first_receipt() {
    let mut translated = TranslatedEvents::default();
    let (first, account) = (event(at(0)), event(at(0)).account);
    for received_at in [at(5), at(0)] {
        let event = UnfinishedEvent { account, received_at, ..first.clone() };
        translated.add(&event, "900".to_owned(), message("m1", None)).unwrap();
    }
    assert_eq!(translated.received.into_values().collect::<Vec<_>>(), [at(0)]);
}

#[test]
fn outbound_message_without_a_status_was_sent() {
    let outbound = DecodedMessage { direction: Direction::Outbound, ..DecodedMessage::default() };
    let delivery = |message| translate(Update::Message(Box::new(message))).batch.messages[0].delivery;
    assert_eq!(delivery(outbound.clone()), Some(DeliveryStatus::Sent));
    assert_eq!(
        delivery(DecodedMessage { delivery: Some(DeliveryStatus::Read), ..outbound }),
        Some(DeliveryStatus::Read)
    );
    assert_eq!(delivery(DecodedMessage::default()), None);
}

#[test]
fn status_is_a_sighting_only_if_it_links_identities() {
    assert!(translate(status(customer())).batch.sightings.is_empty());
    let linked = Party { bsuid: Some("US.1".to_owned()), ..customer() };
    let batch = translate(status(linked)).batch;
    assert_eq!((batch.sightings.len(), batch.updates.len()), (1, 1));
    assert!(batch.updates[0].customer.is_none());
}

#[test]
fn activity_without_a_customer_is_dropped() {
    let consent = |customer| Update::Consent(ConsentUpdate { customer, granted: true, timestamp: None });
    assert!(translate(consent(Party::default())).batch.activities.is_empty());
    let activity = &translate(consent(customer())).batch.activities[0];
    assert_eq!(activity.text, "Wants marketing messages");
    assert_eq!(activity.effect, ActivityEffect::Consent { granted: true });
}

#[test]
fn only_an_inbound_call_opens_the_service_window() {
    let call = |direction, is_missed| {
        let call = CallUpdate {
            is_missed,
            call_id: "c1".to_owned(),
            event: "connect".to_owned(),
            direction,
            customer: customer(),
            text: "Call".to_owned(),
            timestamp: None,
        };
        translate(Update::Call(call)).batch.activities[0].effect.clone()
    };
    assert!(matches!(call(Direction::Inbound, false), ActivityEffect::ServiceWindow(_)));
    assert!(matches!(call(Direction::Inbound, true), ActivityEffect::MissedCall(_)));
    assert_eq!(call(Direction::Outbound, false), ActivityEffect::None);
}
