//! Messages that are older than the connection of the number.

use super::change::{Change, Item};
use super::error::DecodeError;
use super::message_context::MessageContext;
use super::party::{CONTACT, FROM, TO, contact_entry};
use super::status::delivery_status;
use super::{health, ids, message};
use crate::json::Object;
use crate::update::{HealthTopic, Party, Update};
use kernel::{DeliveryStatus, Direction, Origin};

/// E.164. Ids of groups are longer.
const MAX_PHONE_DIGITS: usize = 15;

pub(super) fn decode(change: &Change<'_>) -> Result<Option<Update>, DecodeError> {
    let chunk = change.value.objects("history").into_iter().next().unwrap_or_default();
    let thread = chunk.objects("threads").into_iter().next().unwrap_or_default();
    if let Some(item) = thread.array("messages").first().and_then(|raw| Item::of(raw)) {
        return decode_one(change, &item, &thread, is_outbound(change, &item)).map(Some);
    }
    if let Some(item) = change.first("messages") {
        return decode_one(change, &item, &thread, is_ours(change, &item, "from")).map(Some);
    }
    if let Some(item) = change.first("message_echoes") {
        return decode_one(change, &item, &thread, true).map(Some);
    }
    // For example, the business declined to share its history.
    let errors = chunk.get("errors").or_else(|| change.value.get("errors"));
    let errors = errors.filter(|errors| !matches!(errors.get(), "[]" | "{}" | "null"));
    Ok(errors.map(|errors| health::health_update(change, HealthTopic::History, errors, None)))
}

fn decode_one(
    change: &Change<'_>,
    item: &Item<'_>,
    thread: &Object<'_>,
    outbound: bool,
) -> Result<Update, DecodeError> {
    let members = &item.members;
    let (direction, of_item) =
        if outbound { (Direction::Outbound, TO.of(members)) } else { (Direction::Inbound, FROM.of(members)) };
    // The thread of a group has no single customer.
    let of_thread = if members.text("group_id").is_some() { Party::default() } else { thread_party(thread) };
    let customer = of_item.or_else_from(of_thread).or_else_from(contact_entry(&change.person));
    let delivery = if outbound { delivery(members) } else { None };
    message::decode(item, MessageContext { direction, origin: Origin::History, customer, delivery })
}

/// Only outbound messages name a recipient.
fn is_outbound(change: &Change<'_>, item: &Item<'_>) -> bool {
    let has = |key| item.members.text(key).is_some();
    is_ours(change, item, "from") || (has("to") || has("to_user_id")) && !is_ours(change, item, "to")
}

fn is_ours(change: &Change<'_>, item: &Item<'_>, key: &str) -> bool {
    let number = ids::phone(&item.members, &[key]);
    number.is_some() && number == change.business_phone()
}

/// The customer of a thread. The thread's id is their number, if it is shared.
fn thread_party(thread: &Object<'_>) -> Party {
    let context = thread.object("context").unwrap_or_default();
    let id = ids::phone(thread, &["id"]).filter(|digits| digits.len() <= MAX_PHONE_DIGITS);
    let of_id = Party { phones: id.into_iter().collect(), ..Party::default() };
    let named = Party { username: ids::username(&context, "username"), ..CONTACT.of(&context) };
    named.or_else_from(of_id)
}

fn delivery(message: &Object<'_>) -> Option<DeliveryStatus> {
    match ids::lowered(&message.object("history_context")?, "status")?.as_str() {
        "error" => Some(DeliveryStatus::Failed),
        word => delivery_status(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::{DecodedMessage, HealthUpdate};

    fn decode(value: &str) -> Option<Update> {
        let json = format!(
            r#"{{"id":"900","changes":[{{"field":"history","value":{{"metadata":{{"display_phone_number":"+1 555-0001"}},{value}}}}}]}}"#
        );
        super::decode(&Change::of(&Object::parse(&json).unwrap()).unwrap()).unwrap()
    }

    fn threaded(thread: &str, message: &str) -> DecodedMessage {
        let value = format!(r#""history":[{{"threads":[{{{thread}"messages":[{{"id":"w",{message}}}]}}]}}]"#);
        let Some(Update::Message(message)) = decode(&value) else { panic!("no message") };
        assert_eq!(message.origin, Origin::History);
        *message
    }

    #[test]
    fn direction_is_found_by_sender_and_recipient() {
        let side = |message: &str| {
            let message = threaded(r#""id":"1666","#, message);
            (message.direction, message.customer.phones.join(" "))
        };
        assert_eq!(side(r#""from":"15550001""#), (Direction::Outbound, "1666".to_owned()));
        assert_eq!(side(r#""from":"9","to":"1666""#), (Direction::Outbound, "1666".to_owned()));
        assert_eq!(side(r#""to_user_id":"US.1""#), (Direction::Outbound, "1666".to_owned()));
        assert_eq!(side(r#""from":"1666""#), (Direction::Inbound, "1666".to_owned()));
        assert_eq!(side(r#""from":"1666","to":"15550001""#), (Direction::Inbound, "1666".to_owned()));
        assert_eq!(side(r#""from_user_id":"US.1""#), (Direction::Inbound, "1666".to_owned()));
    }

    #[test]
    fn customer_is_that_of_the_thread() {
        let context = r#""context":{"wa_id":"1666","user_id":"US.1","parent_user_id":"US.ENT.1","username":"@ada"},"#;
        let expected = Party {
            bsuid: Some("US.1".to_owned()),
            parent_bsuid: Some("US.ENT.1".to_owned()),
            phones: vec!["1666".to_owned()],
            profile_name: None,
            username: Some("ada".to_owned()),
        };
        assert_eq!(threaded(context, r#""from":"15550001""#).customer, expected);
        assert_eq!(threaded(context, r#""from":"1666""#).customer, expected);
        assert_eq!(threaded(r#""id":"1666","#, r#""group_id":"g","from":"1777""#).customer.phones, ["1777"]);
        assert_eq!(threaded(r#""id":"120363041234567890","#, r#""type":"text""#).customer, Party::default());
    }

    #[test]
    fn only_outbound_messages_have_a_delivery_status() {
        let delivery = |from: &str, status: &str| {
            threaded("", &format!(r#""from":"{from}","history_context":{{"status":"{status}"}}"#)).delivery
        };
        let rows = [
            ("READ", Some(DeliveryStatus::Read)),
            ("delivered", Some(DeliveryStatus::Delivered)),
            ("SENT", Some(DeliveryStatus::Sent)),
            ("PENDING", Some(DeliveryStatus::Pending)),
            ("PLAYED", Some(DeliveryStatus::Played)),
            ("ERROR", Some(DeliveryStatus::Failed)),
            ("FAILED", Some(DeliveryStatus::Failed)),
            ("WARNING", None),
        ];
        for (status, expected) in rows {
            assert_eq!((delivery("15550001", status), delivery("1666", status)), (expected, None), "{status}");
        }
    }

    #[test]
    fn files_arrive_beside_the_threads() {
        let direction = |value: &str| match decode(value) {
            Some(Update::Message(message)) => (message.direction, message.origin),
            other => panic!("{other:?}"),
        };
        let (inbound, outbound) = ((Direction::Inbound, Origin::History), (Direction::Outbound, Origin::History));
        assert_eq!(direction(r#""messages":[{"id":"w","from":"1666"}]"#), inbound);
        assert_eq!(direction(r#""messages":[{"id":"w","from":"15550001","to":"1666"}]"#), outbound);
        assert_eq!(direction(r#""message_echoes":[{"id":"w","to":"1666"}]"#), outbound);
    }

    #[test]
    fn chunk_without_messages_has_errors_or_nothing() {
        let errors = r#"[{"code":2593109}]"#;
        let Some(Update::Health(HealthUpdate { topic, detail, display_phone_number, .. })) =
            decode(&format!(r#""history":[{{"errors":{errors}}}]"#))
        else {
            panic!("no health")
        };
        assert_eq!((topic, detail.as_str()), (HealthTopic::History, errors));
        assert_eq!(display_phone_number.as_deref(), Some("15550001"));
        assert_eq!(decode(r#""history":[{"metadata":{"phase":1,"progress":50}}]"#), None);
        assert_eq!(decode(r#""history":[{"errors":[]}]"#), None);
        assert_eq!(decode(r#""history":7"#), None);
    }
}
