use std::collections::HashSet;

use kernel::Clock;
use kernel::ids::ContactId;

use super::directory::Directory;
use super::{IdentityChange, IdentityKey, IdentityKind, IdentityRecord, Person};

/// What is stored about the people of a batch.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Of each contact that one of the [keys to look up](Person::keys_to_look_up) leads to: everything it is known by.
    pub identities: Vec<IdentityRecord>,
    /// Those that had no contact yet to be applied to.
    pub changes: Vec<IdentityChange>,
    /// People who were named before anybody was known by one of their keys.
    pub sightings: Vec<Person>,
    /// Contacts without a name.
    pub nameless: HashSet<ContactId>,
}

/// What has to be written so that every person has a contact.
#[derive(Debug, Default)]
pub struct Resolution {
    /// The contact of each person, in the order they were given.
    pub contacts: Vec<ContactId>,
    pub new: Vec<NewContact>,
    /// To be done before the records are written.
    pub merged: Vec<Merge>,
    /// New, or different from what is stored; keys are given up before they are taken.
    pub records: Vec<IdentityRecord>,
    /// Contacts whose identities contradict each other.
    pub contradicted: Vec<ContactId>,
    /// Contacts without a name, and the one that their profile shows.
    pub named: Vec<(ContactId, String)>,
    /// The changes that have found their contact.
    pub settled: Vec<(ContactId, IdentityChange)>,
    /// Sightings of people that nobody is known as yet.
    pub unknown: Vec<Person>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewContact {
    pub id: ContactId,
    /// As the profile shows it; may be empty.
    pub display_name: String,
}

/// Two contacts that turned out to be one person: everything of the first goes to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merge {
    pub from: ContactId,
    pub into: ContactId,
}

/// Finds or makes the contact of each person: by BSUID first, then by phone. A person who is found by one identity gets
/// the others attached.
///
/// A phone that leads to somebody with another BSUID is a recycled number, or somebody's new one: the two stay apart, the
/// number goes to the one who was seen with it last, and people are asked to look. A phone that leads to somebody without
/// a BSUID proves that the two are one, and they are merged.
///
/// Changes of identity that were told before are applied as soon as there is a contact that they are about, so it does not
/// matter whether a change or a message under the new identity comes first. The same goes for sightings, which make nobody
/// a contact.
#[must_use]
pub fn resolve(known: Known, people: &[Person], clock: &dyn Clock) -> Resolution {
    let mut resolver = Resolver {
        directory: Directory::new(known.identities),
        pending: known.changes,
        sightings: known.sightings,
        nameless: known.nameless,
        clock,
        resolution: Resolution::default(),
    };
    // The earlier one first, so that a chain of changes ends in the contact that it began with.
    resolver.pending.sort_by_cached_key(|change| (change.changed_at, change.fingerprint()));
    resolver.settle_pending();
    for person in people {
        let contact = resolver.contact_of(person);
        resolver.resolution.contacts.push(contact);
        resolver.settle_pending();
    }
    resolver.finish()
}

struct Resolver<'c> {
    directory: Directory,
    pending: Vec<IdentityChange>,
    sightings: Vec<Person>,
    nameless: HashSet<ContactId>,
    clock: &'c dyn Clock,
    resolution: Resolution,
}

impl Resolver<'_> {
    /// By BSUID, else by phone. A person who shows no BSUID is whoever has the number.
    fn find(&self, person: &Person) -> Option<ContactId> {
        let by_bsuid = person.bsuid.as_ref().and_then(|bsuid| self.directory.owner(bsuid));
        by_bsuid.or_else(|| {
            let owner = self.directory.by_phone(person.phones.first()?)?.contact;
            let is_another = |bsuid| self.directory.has_other_bsuid(owner, Some(bsuid));
            (!person.bsuid.as_ref().is_some_and(is_another)).then_some(owner)
        })
    }

    fn contact_of(&mut self, person: &Person) -> ContactId {
        let contact = self.find(person).unwrap_or_else(|| self.new_contact(person));
        if self.nameless.contains(&contact)
            && let Some(name) = &person.display_name
        {
            self.nameless.remove(&contact);
            self.resolution.named.push((contact, name.clone()));
        }
        if let Some(bsuid) = &person.bsuid {
            self.directory.attach(bsuid, contact, person.seen_at);
        }
        let contact = person.phones.iter().fold(contact, |contact, phone| self.claim_phone(phone, contact, person));
        if let Some(parent) = &person.parent_bsuid {
            self.directory.note_parent(parent, contact, person.seen_at);
        }
        if let Some(username) = &person.username {
            self.directory.note_username(username, contact, person.seen_at);
        }
        contact
    }

    fn new_contact(&mut self, person: &Person) -> ContactId {
        let id = ContactId::new(self.clock);
        self.resolution.new.push(NewContact { id, display_name: person.display_name.clone().unwrap_or_default() });
        if person.display_name.is_none() {
            self.nameless.insert(id);
        }
        if person.keys().next().is_none() {
            self.directory.contradict([id]);
        }
        id
    }

    /// The person was seen with this number: whoever else has it is the same person, or has lost it. Answers who the
    /// person is now.
    fn claim_phone(&mut self, phone: &IdentityKey, contact: ContactId, person: &Person) -> ContactId {
        let Some(record) = self.directory.by_phone(phone).filter(|record| record.contact != contact).cloned() else {
            self.directory.attach(phone, contact, person.seen_at);
            return contact;
        };
        // Told late: by now it is somebody else's, and it is known that it was left.
        if self.directory.had_left(phone, contact, person.seen_at) {
            return contact;
        }
        if self.is_another(record.contact, contact, person) {
            // Of a number that its owner is known to have left there is nothing to wonder about.
            if record.current {
                self.directory.contradict([contact, record.contact]);
            }
            self.directory.take_over(phone, contact, person.seen_at);
            return contact;
        }
        let (from, into) = older_first(contact, record.contact);
        self.merge(from, into);
        self.directory.attach(phone, into, person.seen_at);
        into
    }

    /// Applies the changes and sightings that are about somebody who is known, until there are none.
    fn settle_pending(&mut self) {
        let about_somebody =
            |change: &IdentityChange, directory: &Directory| change.keys().any(|key| directory.owner(key).is_some());
        loop {
            if let Some(at) = self.pending.iter().position(|change| about_somebody(change, &self.directory)) {
                let change = self.pending.remove(at);
                if let Some(contact) = self.settle(&change) {
                    self.resolution.settled.push((contact, change));
                }
            } else if let Some(at) = self.sightings.iter().position(|person| self.find(person).is_some()) {
                let person = self.sightings.remove(at);
                self.contact_of(&person);
            } else {
                return;
            }
        }
    }

    /// The person that was known by the keys of before is the one who is known by those of after.
    fn settle(&mut self, change: &IdentityChange) -> Option<ContactId> {
        let at = change.changed_at;
        let [bsuid_before, bsuid_after] = [&change.before, &change.after].map(|keys| first(keys, IdentityKind::Bsuid));
        let [phone_before, phone_after] = [&change.before, &change.after].map(|keys| first(keys, IdentityKind::Phone));
        let by_bsuid = |key: Option<&IdentityKey>| self.directory.owner(key?);
        let by_phone = |key: Option<&IdentityKey>| self.directory.by_phone(key?);
        // Who got the old number only later is somebody else.
        let had_phone = || by_phone(phone_before).filter(|record| record.since <= at);
        let before = by_bsuid(bsuid_before).or_else(|| had_phone().map(|record| record.contact));
        let mut contact = match (before, by_bsuid(bsuid_after)) {
            (Some(before), Some(after)) if before != after => {
                self.merge(after, before);
                before
            }
            (Some(contact), _) | (None, Some(contact)) => contact,
            // Only the new number is known: without a BSUID that is the person.
            (None, None) => by_phone(phone_after)?.contact,
        };
        let person = Person { bsuid: bsuid_after.or(bsuid_before).cloned(), ..Person::unknown(at) };
        for key in &change.after {
            if Some(key) == bsuid_after {
                self.directory.attach(key, contact, at);
            } else {
                contact = self.claim_phone_in_change(key, contact, &person);
            }
            self.directory.affirm(key, contact, at);
        }
        for key in change.before.iter().filter(|key| !change.after.contains(key)) {
            if self.directory.owner(key).is_none() {
                self.directory.attach(key, contact, at);
            }
            let replaced = change.after.iter().any(|after| after.kind == key.kind);
            if replaced && self.directory.owner(key) == Some(contact) {
                self.directory.supersede(key, contact, at);
            }
        }
        // Older notices do not say which BSUID was replaced: it was the one there was.
        if let (None, Some(new)) = (bsuid_before, bsuid_after) {
            let replaced: Vec<_> = self
                .directory
                .of(contact)
                .filter(|record| record.current && record.key.kind == new.kind)
                .filter(|record| record.key.scope == new.scope && record.key.value != new.value)
                .map(|record| record.key.clone())
                .collect();
            for key in replaced {
                self.directory.supersede(&key, contact, at);
            }
        }
        Some(contact)
    }

    /// As [`Self::claim_phone`]; but it is the person whose identity changed that stays.
    fn claim_phone_in_change(&mut self, phone: &IdentityKey, contact: ContactId, person: &Person) -> ContactId {
        let other = self.directory.by_phone(phone).map(|record| record.contact).filter(|other| *other != contact);
        match other {
            Some(other) if !self.is_another(other, contact, person) => {
                self.merge(other, contact);
                self.directory.attach(phone, contact, person.seen_at);
                contact
            }
            _ => self.claim_phone(phone, contact, person),
        }
    }

    /// Whether a contact is somebody else than the one that a person was found to be.
    fn is_another(&self, other: ContactId, contact: ContactId, person: &Person) -> bool {
        self.directory.has_other_bsuid(other, person.bsuid.as_ref()) || self.directory.are_two(contact, other)
    }

    fn merge(&mut self, from: ContactId, into: ContactId) {
        self.directory.merge(from, into);
        let Resolution { contacts, settled, .. } = &mut self.resolution;
        let told = contacts.iter_mut().chain(settled.iter_mut().map(|(contact, _)| contact));
        told.filter(|contact| **contact == from).for_each(|contact| *contact = into);
    }

    fn finish(self) -> Resolution {
        let mut resolution = self.resolution;
        let (records, merged, contradicted) = self.directory.into_changes();
        // Of two that were made just now, one never comes into being.
        let (made, gone): (Vec<_>, Vec<_>) =
            resolution.new.into_iter().partition(|new| merged.iter().all(|merge| merge.from != new.id));
        let is_stored = |merge: &Merge| gone.iter().all(|new| new.id != merge.from);
        resolution.named.retain(|(contact, _)| merged.iter().all(|merge| merge.from != *contact));
        resolution.new = made;
        resolution.merged = merged.into_iter().filter(is_stored).collect();
        Resolution { records, contradicted, unknown: self.sightings, ..resolution }
    }
}

fn older_first(a: ContactId, b: ContactId) -> (ContactId, ContactId) {
    (a.max(b), a.min(b))
}

fn first(keys: &[IdentityKey], kind: IdentityKind) -> Option<&IdentityKey> {
    keys.iter().find(|key| key.kind == kind)
}

#[cfg(test)]
mod tests;
