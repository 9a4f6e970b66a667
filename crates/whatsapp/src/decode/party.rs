//! The person that an item is about.

use super::ids;
use crate::json::Object;
use crate::update::Party;

/// The names of the members with a person's ids.
pub(super) struct PersonFields {
    bsuid: &'static [&'static str],
    parent: &'static [&'static str],
    phone: &'static [&'static str],
}

pub(super) const FROM: PersonFields =
    PersonFields { bsuid: &["from_user_id"], parent: &["from_parent_user_id"], phone: &["from"] };
pub(super) const TO: PersonFields =
    PersonFields { bsuid: &["to_user_id"], parent: &["to_parent_user_id"], phone: &["to"] };
/// The parent id had other names until May 2026.
pub(super) const RECIPIENT: PersonFields = PersonFields {
    bsuid: &["recipient_user_id"],
    parent: &["recipient_parent_user_id", "parent_user_id", "parent_recipient_user_id"],
    phone: &["recipient_id"],
};
/// In entries of `contacts`.
pub(super) const CONTACT: PersonFields =
    PersonFields { bsuid: &["user_id"], parent: &["parent_user_id"], phone: &["wa_id"] };

impl PersonFields {
    pub(super) fn of(&self, object: &Object<'_>) -> Party {
        Party {
            bsuid: ids::bsuid(object, self.bsuid),
            parent_bsuid: ids::bsuid(object, self.parent),
            phones: ids::phone(object, self.phone).into_iter().collect(),
            ..Party::default()
        }
    }
}

/// The person of an entry of `contacts`.
pub(super) fn contact_entry(person: &Object<'_>) -> Party {
    let profile = person.object("profile").unwrap_or_default();
    Party {
        profile_name: ids::name(&profile, "name"),
        username: ids::username(&profile, "username"),
        ..CONTACT.of(person)
    }
}

impl Party {
    /// Fills missing members from another description of the same person.
    pub(super) fn or_else_from(self, other: Self) -> Self {
        Self {
            bsuid: self.bsuid.or(other.bsuid),
            parent_bsuid: self.parent_bsuid.or(other.parent_bsuid),
            phones: if self.phones.is_empty() { other.phones } else { self.phones },
            profile_name: self.profile_name.or(other.profile_name),
            username: self.username.or(other.username),
        }
    }

    /// Whether it has an id that identifies a person. A parent's id does not.
    pub(super) fn is_identifiable(&self) -> bool {
        self.bsuid.is_some() || !self.phones.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_the_item_come_before_those_of_contacts() {
        let item = Object::parse(r#"{"from":"","from_user_id":"US.1"}"#).unwrap();
        let person = Object::parse(
            r#"{"wa_id":"+1 555","user_id":"US.2","parent_user_id":"US.ENT.2","profile":{"name":"Ada","username":"@ada"}}"#,
        )
        .unwrap();
        let party = FROM.of(&item).or_else_from(contact_entry(&person));
        let expected = Party {
            bsuid: Some("US.1".to_owned()),
            parent_bsuid: Some("US.ENT.2".to_owned()),
            phones: vec!["1555".to_owned()],
            profile_name: Some("Ada".to_owned()),
            username: Some("ada".to_owned()),
        };
        assert_eq!(party, expected);
        assert!(
            party.is_identifiable()
                && !Party { username: Some("ada".to_owned()), ..Party::default() }.is_identifiable()
        );
    }

    #[test]
    fn parent_of_a_recipient_has_three_names() {
        for key in RECIPIENT.parent {
            let json = format!(r#"{{"{key}":"US.ENT.1"}}"#);
            assert_eq!(RECIPIENT.of(&Object::parse(&json).unwrap()).parent_bsuid.as_deref(), Some("US.ENT.1"));
        }
    }
}
