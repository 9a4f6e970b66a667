//! Who an item is about.

use super::ids;
use crate::json::Object;
use crate::update::Party;

/// What the ids of one person are called.
pub(super) struct PersonFields {
    bsuid: &'static [&'static str],
    parent: &'static [&'static str],
    phone: &'static [&'static str],
}

pub(super) const FROM: PersonFields =
    PersonFields { bsuid: &["from_user_id"], parent: &["from_parent_user_id"], phone: &["from"] };
pub(super) const TO: PersonFields =
    PersonFields { bsuid: &["to_user_id"], parent: &["to_parent_user_id"], phone: &["to"] };
/// The parent's had other names until May 2026.
pub(super) const RECIPIENT: PersonFields = PersonFields {
    bsuid: &["recipient_user_id"],
    parent: &["recipient_parent_user_id", "parent_user_id", "parent_recipient_user_id"],
    phone: &["recipient_id"],
};
/// As in `contacts`.
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

/// An entry of `contacts`.
pub(super) fn contact_entry(person: &Object<'_>) -> Party {
    let profile = person.object("profile").unwrap_or_default();
    Party {
        profile_name: ids::name(&profile, "name"),
        username: ids::username(&profile, "username"),
        ..CONTACT.of(person)
    }
}

impl Party {
    /// With what another view of the same person adds.
    pub(super) fn or_else_from(self, other: Self) -> Self {
        Self {
            bsuid: self.bsuid.or(other.bsuid),
            parent_bsuid: self.parent_bsuid.or(other.parent_bsuid),
            phones: if self.phones.is_empty() { other.phones } else { self.phones },
            profile_name: self.profile_name.or(other.profile_name),
            username: self.username.or(other.username),
        }
    }

    /// Whether there is anything that a person can be found by. A parent's id is only a hint.
    pub(super) fn is_identifiable(&self) -> bool {
        self.bsuid.is_some() || !self.phones.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_comes_before_the_entry_of_contacts() {
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
    fn the_parent_of_a_recipient_has_had_three_names() {
        for key in RECIPIENT.parent {
            let json = format!(r#"{{"{key}":"US.ENT.1"}}"#);
            assert_eq!(RECIPIENT.of(&Object::parse(&json).unwrap()).parent_bsuid.as_deref(), Some("US.ENT.1"));
        }
    }
}
