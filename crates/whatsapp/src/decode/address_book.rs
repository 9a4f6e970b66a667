//! Changes in the address book of the phone that the business uses beside Parley.

use super::ids;
use crate::json::Object;
use crate::update::{AddressBookUpdate, Party, Update};

pub(super) fn decode(item: &Object<'_>) -> Option<Update> {
    let contact = item.object("contact")?;
    if ids::lowered(item, "type").is_some_and(|kind| kind != "contact") {
        return None;
    }
    let removed = match ids::lowered(item, "action").as_deref() {
        Some("remove") => true,
        Some("add" | "edit") | None => false,
        Some(_) => return None,
    };
    let customer = Party {
        bsuid: ids::bsuid(&contact, &["user_id"]),
        parent_bsuid: ids::bsuid(&contact, &["parent_user_id"]),
        phones: ids::phone(&contact, &["phone_number"]).into_iter().collect(),
        profile_name: None,
        username: ids::username(&contact, "username"),
    };
    // A user name alone can pass to another person.
    if !customer.is_identifiable() {
        return None;
    }
    Some(Update::AddressBook(AddressBookUpdate {
        customer,
        name: ids::name(&contact, "full_name").or_else(|| ids::name(&contact, "first_name")),
        removed,
        timestamp: item.object("metadata").and_then(|metadata| ids::timestamp(&metadata)),
    }))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn decode(json: &str) -> Option<AddressBookUpdate> {
        let update = super::decode(&Object::parse(json).unwrap())?;
        let Update::AddressBook(entry) = update else { panic!("{update:?}") };
        Some(entry)
    }

    #[test]
    fn entries_are_added_or_removed() {
        let added = decode(
            r#"{"type":"contact","contact":{"full_name":"Ada L","first_name":"Ada","phone_number":"+1 666","username":"@ada"},"action":"add","metadata":{"timestamp":"1800000000"}}"#,
        );
        let added = added.unwrap();
        assert_eq!((added.name.as_deref(), added.removed), (Some("Ada L"), false));
        assert_eq!(
            (added.customer.phones.join(" "), added.customer.username.as_deref()),
            ("1666".to_owned(), Some("ada"))
        );
        assert_eq!(added.timestamp, DateTime::from_timestamp(1_800_000_000, 0));

        let of = |action: &str| decode(&format!(r#"{{"contact":{{"user_id":"US.1","first_name":"Ada"}}{action}}}"#));
        assert_eq!(of(r#","action":"remove""#).map(|entry| entry.removed), Some(true));
        assert_eq!(of(r#","action":"edit""#).map(|entry| entry.removed), Some(false));
        assert_eq!(of("").and_then(|entry| entry.name).as_deref(), Some("Ada"));
        assert_eq!(of(r#","action":"archive""#), None);
    }

    #[test]
    fn other_types_and_persons_without_ids_are_ignored() {
        assert_eq!(decode(r#"{"type":"label","contact":{"user_id":"US.1"}}"#), None);
        assert_eq!(decode(r#"{"type":"contact"}"#), None);
        assert_eq!(decode(r#"{"type":"contact","contact":{"full_name":"Ada","username":"ada"}}"#), None);
    }
}
