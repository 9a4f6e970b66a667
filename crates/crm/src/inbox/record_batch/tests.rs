use kernel::{Arrival, DeliveryStatus, Direction, Origin};

use super::*;
use crate::fake::{ACCOUNT, FakeStore, at, customer, message, run};
use crate::inbox::{Activity, ActivityEffect, IncomingMessage, MessageUpdate, UpdateEffect};
use crate::{ConversationStatus, InteractionKind, MarketingConsent};

const GRACE: &str = "15550100";

fn messages(messages: Vec<IncomingMessage>) -> Batch {
    Batch { messages, ..Batch::default() }
}

fn update(wamid: &str, effect: UpdateEffect, seconds: i64) -> Batch {
    let update = MessageUpdate {
        message: (ACCOUNT, wamid.to_owned()),
        effect,
        customer: None,
        recipient: None,
        direction: Direction::Outbound,
        payload: None,
        occurred_at: at(seconds),
        arrival: Arrival::ZERO,
    };
    Batch { updates: vec![update], ..Batch::default() }
}

fn status(wamid: &str, status: &str, seconds: i64) -> Batch {
    update(wamid, UpdateEffect::Status { status: status.to_owned(), participant: String::new() }, seconds)
}

fn activity(source: &str, effect: ActivityEffect, seconds: i64) -> Batch {
    let activity = Activity {
        customer: customer(GRACE, at(seconds)),
        kind: InteractionKind::Notice,
        text: source.to_owned(),
        source: source.to_owned(),
        effect,
        occurred_at: at(seconds),
        arrival: Arrival::ZERO,
    };
    Batch { activities: vec![activity], ..Batch::default() }
}

fn outbound(wamid: &str, seconds: i64) -> IncomingMessage {
    IncomingMessage {
        direction: Direction::Outbound,
        origin: Origin::NativeApp,
        delivery: Some(DeliveryStatus::Sent),
        ..message(wamid, GRACE, at(seconds))
    }
}

fn delivery(store: &FakeStore) -> Option<DeliveryStatus> {
    store.messages[0].1.delivery
}

#[test]
fn first_message_creates_contact_and_conversation() {
    let mut store = FakeStore::new();
    let recorded = store.record(messages(vec![message("m1", GRACE, at(1))]));
    assert_eq!((recorded.messages, recorded.from_customers.len()), (1, 1));
    let conversation = &store.conversations[0];
    assert_eq!((conversation.unread_count, conversation.version), (1, 2));
    assert_eq!((conversation.last_message_preview.as_str(), conversation.last_message_at), ("m1", at(1)));
    assert_eq!((store.contacts.len(), store.history()), (1, vec!["m1"]));
}

#[test]
fn batch_recorded_twice_changes_nothing() {
    let mut store = FakeStore::new();
    let batch = messages(vec![message("m1", GRACE, at(1)), message("m1", GRACE, at(1))]);
    assert_eq!(store.record(batch.clone()).messages, 1);
    assert_eq!(store.record(batch), RecordedBatch::default());
    assert_eq!((store.messages.len(), store.conversations[0].unread_count, store.history().len()), (1, 1, 1));
}

#[test]
fn empty_batch_takes_no_lock() {
    let mut store = FakeStore::new();
    let clock = store.clock.clone();
    run(record_batch(&mut store, Batch::default(), &*clock)).unwrap();
    assert!(store.locks.is_empty());
}

#[test]
fn placeholder_is_replaced_by_its_content() {
    let mut store = FakeStore::new();
    let placeholder = || IncomingMessage {
        kind: "unsupported".to_owned(),
        text: "Unsupported".to_owned(),
        ..message("m1", GRACE, at(1))
    };
    store.record(messages(vec![placeholder()]));
    assert_eq!(store.record(messages(vec![message("m1", GRACE, at(1))])).messages, 0);
    assert_eq!(store.conversations[0].last_message_preview, "m1");
    store.record(messages(vec![placeholder()]));
    assert_eq!(store.messages[0].1.text, "m1");
}

#[test]
fn filled_placeholder_keeps_the_text_of_a_failed_delivery() {
    let mut store = FakeStore::new();
    let placeholder = IncomingMessage { kind: "unsupported".to_owned(), text: "Media".to_owned(), ..outbound("m1", 1) };
    store.record(messages(vec![placeholder]));
    store.record(status("m1", "failed", 2));
    store.record(messages(vec![outbound("m1", 1)]));
    assert_eq!(store.history(), ["m1", "The message could not be delivered"]);
}

#[test]
fn statuses_apply_in_any_order() {
    for order in [["sent", "failed", "delivered"], ["delivered", "failed", "sent"], ["failed", "delivered", "sent"]] {
        let mut store = FakeStore::new();
        store.record(messages(vec![outbound("m1", 1)]));
        for name in order {
            store.record(status("m1", name, 2));
        }
        assert_eq!(delivery(&store), Some(DeliveryStatus::Delivered), "{order:?}");
    }
}

#[test]
fn status_before_its_message_is_applied_later() {
    let mut store = FakeStore::new();
    store.record(status("m1", "read", 2));
    assert!(store.contacts.is_empty(), "a status creates no contact");
    store.record(messages(vec![outbound("m1", 1)]));
    assert_eq!(delivery(&store), Some(DeliveryStatus::Read));
}

#[test]
fn failed_delivery_is_added_to_the_history_once() {
    let mut store = FakeStore::new();
    store.record(messages(vec![outbound("m1", 1)]));
    for _ in 0..2 {
        store.record(status("m1", "failed", 2));
    }
    assert_eq!(store.history(), ["m1", "The message could not be delivered"]);
}

/// The same by a customer.
fn by(phone: &str, mut batch: Batch) -> Batch {
    for update in &mut batch.updates {
        update.direction = Direction::Inbound;
        update.customer = Some(customer(phone, update.occurred_at));
    }
    batch
}

#[test]
fn last_edit_and_revocation_change_text_and_preview() {
    let mut store = FakeStore::new();
    store.record(messages(vec![message("m1", GRACE, at(1))]));
    for (wamid, text, seconds) in [("e2", "second", 3), ("e1", "first", 2)] {
        let effect = UpdateEffect::Edit { wamid: wamid.to_owned(), text: Some(text.to_owned()) };
        store.record(by(GRACE, update("m1", effect, seconds)));
    }
    assert_eq!(store.conversations[0].last_message_preview, "second");
    store.record(by(GRACE, update("m1", UpdateEffect::Revocation { wamid: "r1".to_owned() }, 1)));
    assert_eq!(store.conversations[0].last_message_preview, "Message deleted");
    assert_eq!(store.conversations[0].unread_count, 1);
}

/// Records an edit and a revocation of a message, before or after the message. Returns the text of the message.
fn changed(message: &IncomingMessage, by: impl Fn(Batch) -> Batch, message_first: bool) -> String {
    let mut store = FakeStore::new();
    let edit = UpdateEffect::Edit { wamid: "e1".to_owned(), text: Some("edited".to_owned()) };
    let revocation = UpdateEffect::Revocation { wamid: "r1".to_owned() };
    let mut batches = vec![messages(vec![message.clone()])];
    batches.extend([update("m1", edit, 2), update("m1", revocation, 3)].map(by));
    if !message_first {
        batches.reverse();
    }
    for batch in batches {
        store.record(batch);
    }
    store.messages[0].1.text.clone()
}

#[test]
fn only_the_sender_edits_and_revokes_a_message() {
    let (inbound, in_group) = (message("m1", GRACE, at(1)), Some("group".to_owned()));
    let in_group = IncomingMessage { group_id: in_group, ..inbound.clone() };
    let unidentified = |batch: Batch| {
        let mut batch = by(GRACE, batch);
        batch.updates.iter_mut().for_each(|update| update.customer = None);
        batch
    };
    for message_first in [true, false] {
        for message in [&inbound, &in_group] {
            assert_eq!(changed(message, |batch| by(GRACE, batch), message_first), "Message deleted");
            assert_eq!(changed(message, |batch| by("15550199", batch), message_first), "m1");
            assert_eq!(changed(message, |batch| batch, message_first), "m1");
            assert_eq!(changed(message, unidentified, message_first), "m1");
        }
        assert_eq!(changed(&outbound("m1", 1), |batch| batch, message_first), "Message deleted");
        assert_eq!(changed(&outbound("m1", 1), |batch| by(GRACE, batch), message_first), "m1");
        assert_eq!(changed(&outbound("m1", 1), unidentified, message_first), "m1");
    }
}

#[test]
fn edit_without_text_keeps_the_text() {
    let mut store = FakeStore::new();
    store.record(messages(vec![message("m1", GRACE, at(1))]));
    for (wamid, text, seconds) in [("e1", None, 2), ("e2", Some("edited"), 3), ("e3", None, 4)] {
        let effect = UpdateEffect::Edit { wamid: wamid.to_owned(), text: text.map(str::to_owned) };
        store.record(by(GRACE, update("m1", effect, seconds)));
        let state = &store.messages[0].1;
        let expected = if wamid == "e1" { "m1" } else { "edited" };
        assert_eq!((state.text.as_str(), state.edited_at), (expected, Some(at(seconds))), "{wamid}");
    }
    assert_eq!(store.history(), ["m1", "Edited a message", "edited", "Edited a message"]);
}

#[test]
fn revoked_texts_are_hidden_in_the_history_in_any_order() {
    let by_grace = |effect: UpdateEffect, seconds: i64| by(GRACE, update("m1", effect, seconds));
    let batches = [
        messages(vec![message("m1", GRACE, at(1))]),
        by_grace(UpdateEffect::Edit { wamid: "e1".to_owned(), text: Some("secret".to_owned()) }, 2),
        by_grace(UpdateEffect::Revocation { wamid: "r1".to_owned() }, 3),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [2, 1, 0], [1, 2, 0]] {
        let mut store = FakeStore::new();
        for at in order {
            store.record(batches[at].clone());
        }
        let mut history = store.history();
        history.sort_unstable();
        assert_eq!(history, ["Deleted a message", "Message deleted", "Message deleted"], "{order:?}");
    }
}

#[test]
fn message_after_closing_opens_a_new_conversation() {
    let mut store = FakeStore::new();
    store.record(messages(vec![message("m1", GRACE, at(1))]));
    store.conversations[0].status = ConversationStatus::Closed;
    store.record(messages(vec![message("m2", GRACE, at(2))]));
    assert_eq!(store.conversations.len(), 2);
    assert_eq!(store.contacts.len(), 1);
}

#[test]
fn imported_messages_have_a_closed_conversation_of_their_own() {
    let imported = |wamid, seconds| IncomingMessage { origin: Origin::History, ..message(wamid, GRACE, at(seconds)) };
    for order in [[0, 1, 2], [1, 0, 2], [2, 1, 0]] {
        let mut store = FakeStore::new();
        let batches = [imported("m0", 1), imported("m1", 2), message("m2", GRACE, at(3))];
        let recorded: Vec<_> = order.map(|n: usize| store.record(messages(vec![batches[n].clone()]))).into();
        assert_eq!(recorded.iter().map(|it| it.from_customers.len()).sum::<usize>(), 1);
        store.conversations.sort_by_key(|it| !it.is_imported);
        let [past, present] = &store.conversations[..] else { panic!("{order:?}: {:#?}", store.conversations) };
        assert_eq!((past.status, past.unread_count), (ConversationStatus::Closed, 0));
        assert_eq!(past.closed_reason(), Some(crate::ClosedReason::Imported));
        assert_eq!((past.last_message_preview.as_str(), present.last_message_preview.as_str()), ("m1", "m2"));
        assert_eq!((present.status, present.unread_count), (ConversationStatus::Open, 1));
    }
}

#[test]
fn live_telling_counts_whether_first_or_second() {
    let told = |origin| IncomingMessage { origin, ..message("m1", GRACE, at(1)) };
    for origins in [[Origin::History, Origin::Live], [Origin::Live, Origin::History], [Origin::Standby, Origin::Live]] {
        for together in [false, true] {
            let mut store = FakeStore::new();
            let recorded = if together {
                vec![store.record(messages(origins.map(told).into()))]
            } else {
                origins.map(|origin| store.record(messages(vec![told(origin)]))).into()
            };
            assert_eq!(recorded.iter().map(|it| it.from_customers.len()).sum::<usize>(), 1, "{origins:?}");
            let [conversation] = &store.conversations[..] else { panic!("{:#?}", store.conversations) };
            assert_eq!((conversation.status, conversation.unread_count), (ConversationStatus::Open, 1), "{origins:?}");
            assert_eq!((store.messages.len(), store.messages[0].0.origin), (1, Origin::Live));
            assert_eq!(store.history(), ["m1"]);
        }
    }
}

#[test]
fn tellings_by_number_and_by_user_id_are_one_person() {
    let by_number = IncomingMessage { origin: Origin::History, ..message("m1", GRACE, at(1)) };
    let person = Person {
        bsuid: Some(IdentityKey::bsuid("900", "US.1")),
        display_name: Some("Grace".to_owned()),
        ..Person::unknown(at(1))
    };
    let by_user_id = IncomingMessage { customer: person.clone(), ..message("m1", GRACE, at(1)) };
    for tellings in [[&by_number, &by_user_id], [&by_user_id, &by_number]] {
        let mut store = FakeStore::new();
        for telling in tellings {
            store.record(messages(vec![telling.clone()]));
        }
        let later = IncomingMessage { customer: person.clone(), ..message("m2", GRACE, at(2)) };
        store.record(messages(vec![later]));
        assert_eq!((store.contacts.len(), store.conversations.len()), (1, 1));
        assert_eq!(store.contacts.values().next().unwrap().display_name, "Grace");
    }
}

#[test]
fn group_message_belongs_to_no_conversation() {
    let mut store = FakeStore::new();
    let group_id = Some("group".to_owned());
    store.record(messages(vec![IncomingMessage { group_id, ..message("m1", GRACE, at(1)) }]));
    assert!(store.conversations.is_empty());
    assert_eq!(store.interactions[0].kind, InteractionKind::GroupMessage);
}

#[test]
fn standby_message_makes_the_conversation_read_only() {
    let mut store = FakeStore::new();
    let standby = IncomingMessage { origin: Origin::Standby, ..message("m1", GRACE, at(1)) };
    store.record(messages(vec![standby]));
    assert!(store.conversations[0].read_only);
    store.record(messages(vec![message("m2", GRACE, at(2))]));
    assert!(!store.conversations[0].read_only);
}

#[test]
fn call_extends_the_service_window_and_never_shrinks_it() {
    let mut store = FakeStore::new();
    store.record(messages(vec![message("m1", GRACE, at(10))]));
    store.record(activity("call1", ActivityEffect::ServiceWindow(ACCOUNT), 20));
    store.record(activity("call0", ActivityEffect::ServiceWindow(ACCOUNT), 5));
    assert_eq!(store.conversations[0].service_window_ends_at, crate::inbox::service_window_end([at(20)]));
}

#[test]
fn activity_delivered_twice_is_added_to_the_history_once() {
    let mut store = FakeStore::new();
    for _ in 0..2 {
        store.record(activity("notice", ActivityEffect::None, 1));
    }
    assert_eq!(store.history(), ["notice"]);
}

#[test]
fn latest_consent_counts_in_any_order() {
    for order in [[(1, true), (2, false)], [(2, false), (1, true)]] {
        let mut store = FakeStore::new();
        for (seconds, granted) in order {
            store.record(activity(&seconds.to_string(), ActivityEffect::Consent { granted }, seconds));
        }
        assert_eq!(store.contacts.values().next().unwrap().marketing_consent, MarketingConsent::Withdrawn);
    }
}

#[test]
fn name_of_the_address_book_does_not_replace_a_users() {
    let mut store = FakeStore::new();
    let grace = store.contact_named("Grace", &[GRACE]).id;
    store.record(activity("book", ActivityEffect::Name("Hopper".to_owned()), 1));
    assert_eq!(store.contacts[&grace].display_name, "Grace");
}
