use std::collections::HashMap;

use kernel::Clock;
use kernel::ids::ContactId;

use super::{IdentityKey, KnownIdentity, Person};

/// What has to be written so that every person has a contact.
#[derive(Debug, Default)]
pub struct Resolution {
    /// The contact of each person, in the order they were given.
    pub contacts: Vec<ContactId>,
    /// Contacts to make, with the name they get.
    pub new: Vec<(ContactId, String)>,
    /// Identities to add.
    pub attached: Vec<Attachment>,
    /// Contacts whose identities contradict each other.
    pub contradicted: Vec<ContactId>,
}

/// An identity that a contact gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    pub key: IdentityKey,
    pub contact: ContactId,
}

/// Finds or makes the contact of each person: by BSUID first, then by phone. A person who is found by one identity gets
/// the other attached, unless somebody else has it, or the contact that the phone leads to already is somebody with
/// another BSUID: numbers are recycled, so that is a contradiction for people to look at, never a silent merge.
///
/// `known` has every stored identity with a [key to look up](Person::keys_to_look_up) of these people, and all BSUIDs of the contacts behind those.
#[must_use]
pub fn resolve(known: &[KnownIdentity], people: &[Person], clock: &dyn Clock) -> Resolution {
    let mut owners: HashMap<IdentityKey, ContactId> =
        known.iter().map(|identity| (identity.key.clone(), identity.contact)).collect();
    let mut resolution = Resolution::default();
    for person in people {
        let owner = |key: &IdentityKey| owners.get(key).copied();
        let by_bsuid = person.bsuid.as_ref().and_then(owner);
        // The very number wins over its other spelling.
        let by_phone = person
            .phone
            .as_ref()
            .and_then(|phone| owner(phone).or_else(|| phone.other_spelling().as_ref().and_then(owner)));
        let phone_is_of_another = by_phone.is_some_and(|contact| {
            by_bsuid.is_none() && person.bsuid.as_ref().is_some_and(|bsuid| has_other_bsuid(&owners, contact, bsuid))
        });
        let found = by_bsuid.or(if phone_is_of_another { None } else { by_phone });
        let contact = found.unwrap_or_else(|| {
            let contact = ContactId::new(clock);
            resolution.new.push((contact, person.display_name.clone().unwrap_or_default()));
            contact
        });
        for key in person.keys() {
            match owners.get(key) {
                None => {
                    owners.insert(key.clone(), contact);
                    resolution.attached.push(Attachment { key: key.clone(), contact });
                }
                Some(owner) if *owner != contact => resolution.contradicted.extend([contact, *owner]),
                Some(_) => {}
            }
        }
        resolution.contacts.push(contact);
    }
    resolution.contradicted.sort_unstable();
    resolution.contradicted.dedup();
    resolution
}

/// Whether the contact has a BSUID of the same scope that is another one.
fn has_other_bsuid(owners: &HashMap<IdentityKey, ContactId>, contact: ContactId, bsuid: &IdentityKey) -> bool {
    owners.iter().any(|(key, owner)| {
        *owner == contact && key.kind == bsuid.kind && key.scope == bsuid.scope && key.value != bsuid.value
    })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use kernel::ManualClock;

    use super::*;

    fn clock() -> ManualClock {
        ManualClock::starting_at(DateTime::from_timestamp(1_800_000_000, 0).unwrap())
    }

    fn person(bsuid: Option<&str>, phone: Option<&str>) -> Person {
        Person {
            bsuid: bsuid.map(|value| IdentityKey::bsuid("waba", value)),
            phone: phone.and_then(IdentityKey::phone),
            display_name: Some("Ada".to_owned()),
        }
    }

    fn known(key: IdentityKey, contact: ContactId) -> KnownIdentity {
        KnownIdentity { key, contact }
    }

    #[test]
    fn one_batch_makes_one_contact_of_one_person() {
        let people =
            [person(Some("US.1"), None), person(Some("US.1"), Some("+1 555 0100")), person(None, Some("15550100"))];
        let resolution = resolve(&[], &people, &clock());
        assert_eq!(resolution.new.len(), 1);
        assert!(resolution.contacts.iter().all(|contact| *contact == resolution.new[0].0));
        assert_eq!(resolution.attached.len(), 2);
        assert!(resolution.contradicted.is_empty());
    }

    #[test]
    fn a_person_without_a_phone_is_a_person() {
        let resolution = resolve(&[], &[person(Some("US.1"), None)], &clock());
        assert_eq!((resolution.new.len(), resolution.attached.len()), (1, 1));
    }

    #[test]
    fn a_contact_known_by_phone_gets_its_bsuid() {
        let clock = clock();
        let contact = ContactId::new(&clock);
        let stored = [known(IdentityKey::phone("15550100").unwrap(), contact)];
        let resolution = resolve(&stored, &[person(Some("US.1"), Some("15550100"))], &clock);
        assert_eq!(resolution.contacts, [contact]);
        assert_eq!(resolution.attached, [Attachment { key: IdentityKey::bsuid("waba", "US.1"), contact }]);
        assert!(resolution.new.is_empty());
    }

    #[test]
    fn a_number_of_brazil_is_found_with_and_without_its_nine() {
        let clock = clock();
        let contact = ContactId::new(&clock);
        let stored = [known(IdentityKey::phone("551187654321").unwrap(), contact)];
        let person = person(None, Some("5511987654321"));
        let resolution = resolve(&stored, std::slice::from_ref(&person), &clock);
        assert_eq!(resolution.contacts, [contact]);
        assert_eq!(resolution.attached, [Attachment { key: person.phone.unwrap(), contact }]);
    }

    #[test]
    fn a_recycled_number_is_another_person() {
        let clock = clock();
        let old = ContactId::new(&clock);
        let stored =
            [known(IdentityKey::phone("15550100").unwrap(), old), known(IdentityKey::bsuid("waba", "US.1"), old)];
        let resolution = resolve(&stored, &[person(Some("US.2"), Some("15550100"))], &clock);
        assert_ne!(resolution.contacts, [old]);
        assert_eq!(resolution.contradicted.len(), 2);
    }
}
