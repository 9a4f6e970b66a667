//! System messages: changes of a customer's phone number or user id, and others.

use super::change::Item;
use super::error::DecodeError;
use super::message_context::MessageContext;
use super::{ids, length};
use crate::json::Object;
use crate::update::{IdentityChange, Party, SystemMessage, Update};
use kernel::Direction;

/// A message of type `system`.
pub(super) fn decode(item: &Item<'_>, wamid: String, body: &Object<'_>, context: MessageContext) -> Update {
    let kind = body.text("type").unwrap_or_default();
    let text = body.text("body").map(length::text);
    let timestamp = ids::timestamp(&item.members);
    // In outbound messages `from` is the business.
    let inbound = context.direction == Direction::Inbound;
    if let (true, Some((before, after))) = (inbound, change(&kind, body, &item.members)) {
        let text = text.unwrap_or_else(|| default_text(&kind).to_owned());
        return Update::IdentityChange(IdentityChange { before, after, text, timestamp });
    }
    let text = text.unwrap_or_else(|| default_text(&kind).to_owned());
    Update::SystemMessage(SystemMessage { wamid: Some(wamid), customer: context.customer, text, timestamp })
}

fn default_text(kind: &str) -> &'static str {
    match kind {
        "user_changed_number" | "customer_changed_number" => "The customer changed their phone number",
        "user_changed_user_id" => "The customer's user id changed",
        "customer_identity_changed" => "The customer's security code changed",
        _ => "System message",
    }
}

/// The ids before and after the change, if both are given.
fn change(kind: &str, body: &Object<'_>, message: &Object<'_>) -> Option<(Party, Party)> {
    let without_number = kind == "user_changed_user_id";
    if !without_number && !matches!(kind, "user_changed_number" | "customer_changed_number") {
        return None;
    }
    // `new_wa_id` is of the older format, in which `wa_id` may be another number.
    let number = ids::phone(body, &["new_wa_id", "wa_id"]);
    let previous = ids::bsuid(body, &["previous_user_id"]);
    // By Meta's documentation `from` is the old number; it has been seen to be the new one. Without a shared number, it is used
    // only if no previous user id is given.
    let from = ids::phone(message, &["from"])
        .filter(|from| Some(from) != number.as_ref() && !(without_number && previous.is_some()));
    let before = Party {
        bsuid: previous,
        parent_bsuid: ids::bsuid(body, &["previous_parent_user_id"]),
        phones: from.into_iter().collect(),
        ..Party::default()
    };
    let after = Party {
        bsuid: ids::bsuid(body, &["user_id"]),
        parent_bsuid: ids::bsuid(body, &["parent_user_id"]),
        phones: number.into_iter().collect(),
        ..Party::default()
    };
    (before.is_identifiable() && after.is_identifiable()).then_some((before, after))
}

/// An item of `user_id_update`, which Meta no longer documents and other platforms still forward.
///
/// Its `wa_id` may be the old or the new number. With both user ids it is not needed. Without the new user id it is the only id.
pub(super) fn decode_update(item: &Object<'_>) -> Result<Update, DecodeError> {
    let pair = |key: &str| {
        let ids = item.object(key).unwrap_or_default();
        (ids::bsuid(&ids, &["previous"]), ids::bsuid(&ids, &["current"]))
    };
    let ((previous, current), (previous_parent, parent)) = (pair("user_id"), pair("parent_user_id"));
    let number = if previous.is_some() && current.is_some() { None } else { ids::phone(item, &["wa_id"]) };
    let before = Party { bsuid: previous, parent_bsuid: previous_parent, ..Party::default() };
    let after =
        Party { bsuid: current, parent_bsuid: parent, phones: number.into_iter().collect(), ..Party::default() };
    if !before.is_identifiable() || !after.is_identifiable() {
        return Err(DecodeError::NoPerson);
    }
    let text = item.text("detail").map_or_else(|| default_text("user_changed_user_id").to_owned(), length::text);
    Ok(Update::IdentityChange(IdentityChange { before, after, text, timestamp: ids::timestamp(item) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Origin;

    fn system(direction: Direction, from: &str, body: &str) -> Update {
        let json = format!(r#"{{"id":"wamid.S",{from}"type":"system","system":{body}}}"#);
        let raw = serde_json::from_str(&json).unwrap();
        let context = MessageContext { direction, origin: Origin::Live, customer: Party::default(), delivery: None };
        let item = Item::of(raw).unwrap();
        decode(&item, "wamid.S".to_owned(), &item.members.object("system").unwrap_or_default(), context)
    }

    /// `previous,from -> current,number`, or the text of a system message.
    fn shown(update: Update) -> String {
        let party =
            |party: Party| [party.bsuid, party.phones.first().cloned()].map(Option::unwrap_or_default).join(",");
        match update {
            Update::IdentityChange(change) => format!("{} -> {}", party(change.before), party(change.after)),
            Update::SystemMessage(notice) => notice.text,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn identity_changes_of_all_formats_are_decoded() {
        let rows = [
            (
                r#""from":"1","#,
                r#"{"type":"user_changed_number","wa_id":"2","user_id":"US.2","previous_user_id":"US.1"}"#,
                "US.1,1 -> US.2,2",
            ),
            (r#""from":"1","#, r#"{"type":"user_changed_number","wa_id":"2"}"#, ",1 -> ,2"),
            (r#""from":"1","#, r#"{"type":"customer_changed_number","new_wa_id":"2","wa_id":"1"}"#, ",1 -> ,2"),
            (
                r#""from":"2","#,
                r#"{"type":"user_changed_number","wa_id":"2","previous_user_id":"US.1"}"#,
                "US.1, -> ,2",
            ),
            (
                r#""from":"+2","#,
                r#"{"type":"user_changed_number","wa_id":"2"}"#,
                "The customer changed their phone number",
            ),
            (r#""from":"1","#, r#"{"type":"user_changed_number","user_id":"US.2"}"#, ",1 -> US.2,"),
            ("", r#"{"type":"user_changed_user_id","user_id":"US.2","previous_user_id":"US.1"}"#, "US.1, -> US.2,"),
            (
                r#""from":"1","#,
                r#"{"type":"user_changed_user_id","user_id":"US.2","previous_user_id":"US.1"}"#,
                "US.1, -> US.2,",
            ),
            (r#""from":"1","#, r#"{"type":"user_changed_user_id","user_id":"US.2"}"#, ",1 -> US.2,"),
            ("", r#"{"type":"user_changed_user_id","user_id":"US.2","body":"Gone"}"#, "Gone"),
            ("", r#"{"type":"customer_identity_changed"}"#, "The customer's security code changed"),
            ("", r#"{"type":"hologram","user_id":"US.2","previous_user_id":"US.1"}"#, "System message"),
            ("", "7", "System message"),
        ];
        for (from, body, expected) in rows {
            assert_eq!(shown(system(Direction::Inbound, from, body)), expected, "{from} {body}");
        }
    }

    #[test]
    fn outbound_system_message_changes_no_identity() {
        let body = r#"{"type":"user_changed_number","wa_id":"2"}"#;
        assert!(matches!(system(Direction::Outbound, r#""from":"1","#, body), Update::SystemMessage(_)));
    }

    #[test]
    fn user_id_updates_are_decoded() {
        let update = |json: &str| decode_update(&Object::parse(json).unwrap()).map(shown);
        let both = r#""user_id":{"previous":"US.1","current":"US.2"}"#;
        assert_eq!(update(&format!(r#"{{"wa_id":"1",{both}}}"#)), Ok("US.1, -> US.2,".to_owned()));
        assert_eq!(update(r#"{"wa_id":"1","user_id":{"previous":"US.1"}}"#), Ok("US.1, -> ,1".to_owned()));
        assert_eq!(update(r#"{"wa_id":"1","user_id":{"current":"US.2"}}"#), Err(DecodeError::NoPerson));
        assert_eq!(update(r#"{"user_id":"US.1"}"#), Err(DecodeError::NoPerson));
    }
}
