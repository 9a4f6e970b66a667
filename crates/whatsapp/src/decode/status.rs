//! Delivery statuses of outbound messages.

use super::change::Item;
use super::error::DecodeError;
use super::ids;
use super::party::{RECIPIENT, contact_entry};
use crate::envelope::PARTICIPANT;
use crate::json::Object;
use crate::update::{Party, StatusUpdate, Update};
use kernel::DeliveryStatus;

pub(super) fn decode(item: &Item<'_>, person: &Object<'_>) -> Result<Update, DecodeError> {
    let status = &item.members;
    let recipient = RECIPIENT.of(status);
    let customer = if status.text("recipient_type").is_some_and(|kind| kind.eq_ignore_ascii_case("group")) {
        // The id of a group is not a phone number.
        Party { phones: Vec::new(), ..recipient }
    } else {
        recipient.or_else_from(contact_entry(person))
    };
    let word = ids::lowered(status, "status").filter(|word| delivery_status(word).is_some());
    Ok(Update::Status(StatusUpdate {
        target: ids::own(status)?,
        status: word.or_else(|| ids::label(status, "status")).unwrap_or_default(),
        participant: ids::bsuid(status, &PARTICIPANT).unwrap_or_default(),
        customer,
        opaque: status.text("biz_opaque_callback_data"),
        payload: item.json.to_owned(),
        timestamp: ids::timestamp(status),
    }))
}

/// `None` for `deleted` and `warning`, which older versions of the API send and which change nothing, and for new statuses.
pub(super) fn delivery_status(text: &str) -> Option<DeliveryStatus> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(status: &str, person: &str) -> Result<StatusUpdate, DecodeError> {
        let raw = serde_json::from_str(status).unwrap();
        let update = super::decode(&Item::of(raw).unwrap(), &Object::parse(person).unwrap())?;
        let Update::Status(status) = update else { panic!("{update:?}") };
        Ok(status)
    }

    #[test]
    fn every_word_is_kept_and_known_ones_are_statuses() {
        let rows = [
            (r#""sent""#, "sent", Some(DeliveryStatus::Sent)),
            (r#""delivered""#, "delivered", Some(DeliveryStatus::Delivered)),
            (r#""read""#, "read", Some(DeliveryStatus::Read)),
            (r#""played""#, "played", Some(DeliveryStatus::Played)),
            (r#""failed""#, "failed", Some(DeliveryStatus::Failed)),
            (r#""Sent""#, "sent", Some(DeliveryStatus::Sent)),
            (r#""deleted""#, "deleted", None),
            (r#""Warning""#, "Warning", None),
            ("7", "7", None),
            ("{}", "", None),
        ];
        for (json, word, known) in rows {
            let status = decode(&format!(r#"{{"id":"wamid.A","status":{json}}}"#), "{}").unwrap();
            assert_eq!((status.status.as_str(), delivery_status(&status.status)), (word, known));
        }
        assert_eq!(decode(r#"{"status":"sent"}"#, "{}"), Err(DecodeError::NoId));
    }

    #[test]
    fn group_status_names_a_participant() {
        let status = decode(
            r#"{"id":"wamid.A","status":"read","recipient_type":"group","recipient_id":"1203","participant_recipient_id":"15"}"#,
            "{}",
        )
        .unwrap();
        assert_eq!((status.customer, status.participant.as_str()), (Party::default(), "15"));
    }

    #[test]
    fn contacts_entry_fills_missing_ids() {
        let status = decode(
            r#"{"id":"wamid.A","status":"read","recipient_user_id":"US.1"}"#,
            r#"{"wa_id":"15","user_id":"US.1","profile":{"username":"ada"}}"#,
        )
        .unwrap();
        assert_eq!(
            (status.customer.phones.as_slice(), status.customer.username.as_deref()),
            (["15".to_owned()].as_slice(), Some("ada"))
        );
    }
}
