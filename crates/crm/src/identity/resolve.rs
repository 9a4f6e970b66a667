use std::collections::{BTreeSet, HashSet};

use kernel::Clock;
use kernel::ids::ContactId;

use super::directory::Directory;
use super::merge::Merge;
use super::{IdentityChange, IdentityKey, IdentityKind, IdentityRecord, Person};

/// Stored data about the people of a batch.
#[derive(Clone, Debug, Default)]
pub struct StoredIdentities {
    /// All records of each contact to which one of the [keys to look up](Person::keys_to_look_up) resolves.
    pub identities: Vec<IdentityRecord>,
    /// Changes that have not been applied, as none of their keys resolved to a contact.
    pub changes: Vec<IdentityChange>,
    /// People who were seen before one of their keys resolved to a contact.
    pub sightings: Vec<Person>,
    /// Contacts without a name.
    pub unnamed: HashSet<ContactId>,
}

/// The contact of each person, and what has to be written.
#[derive(Debug, Default)]
pub struct Resolution {
    /// The contact of each person, in the order of the input.
    pub contacts: Vec<ContactId>,
    pub new: Vec<NewContact>,
    /// To be written before the records.
    pub merged: Vec<Merge>,
    /// New or changed records, in the order in which they have to be written.
    pub records: Vec<IdentityRecord>,
    /// Contacts whose identities conflict.
    pub flagged_for_review: Vec<ContactId>,
    /// Contacts whose identities conflicted until a reported change explained it.
    pub explained: Vec<ContactId>,
    /// Names from profiles, for contacts without a name.
    pub profile_names: Vec<(ContactId, String)>,
    /// Changes that were applied, each to its contact.
    pub applied_changes: Vec<(ContactId, IdentityChange)>,
    /// Sightings whose keys resolve to no contact.
    pub unmatched_sightings: Vec<Person>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewContact {
    pub id: ContactId,
    /// The name of the profile; may be empty.
    pub display_name: String,
}

/// Finds or creates the contact of each person, by BSUID first, then by phone number. The contact gets the other keys of
/// the person.
///
/// A number that resolves to a contact with another BSUID was recycled, or is a new number of that person. The contacts
/// stay separate, the number goes to the one seen with it last, and both are flagged for review. A number that resolves
/// to a contact without a BSUID shows that both are one person, and the contacts are merged.
///
/// A reported change of keys is applied once one of its keys resolves to a contact, so the order of a change and a message
/// under the new key does not matter. The same holds for sightings. Neither creates a contact.
#[must_use]
pub fn resolve(stored: StoredIdentities, people: &[Person], clock: &dyn Clock) -> Resolution {
    let mut resolver = Resolver {
        directory: Directory::new(stored.identities),
        pending: stored.changes,
        sightings: stored.sightings,
        unnamed: stored.unnamed,
        clock,
        explained: BTreeSet::new(),
        resolution: Resolution::default(),
    };
    // Earlier changes first, so that a chain of changes ends in the contact with which it began.
    resolver.pending.sort_by_cached_key(|change| (change.changed_at, change.arrival, change.fingerprint()));
    resolver.apply_pending();
    for person in people {
        let contact = resolver.contact_of(person);
        resolver.resolution.contacts.push(contact);
        resolver.apply_pending();
    }
    resolver.finish()
}

struct Resolver<'c> {
    directory: Directory,
    pending: Vec<IdentityChange>,
    sightings: Vec<Person>,
    unnamed: HashSet<ContactId>,
    clock: &'c dyn Clock,
    /// Contacts into which a reported change merged others.
    explained: BTreeSet<ContactId>,
    resolution: Resolution,
}

impl Resolver<'_> {
    /// By BSUID, else by phone number. A person without a BSUID is the contact of the number.
    fn find(&self, person: &Person) -> Option<ContactId> {
        let by_bsuid = person.bsuid.as_ref().and_then(|bsuid| self.directory.owner(bsuid));
        by_bsuid.or_else(|| {
            let owner = self.directory.by_phone(person.phones.first()?)?.contact;
            let has_other_bsuid = |bsuid| self.directory.has_other_bsuid(owner, Some(bsuid));
            (!person.bsuid.as_ref().is_some_and(has_other_bsuid)).then_some(owner)
        })
    }

    fn contact_of(&mut self, person: &Person) -> ContactId {
        let contact = self.find(person).unwrap_or_else(|| self.new_contact(person));
        if self.unnamed.contains(&contact)
            && let Some(name) = &person.display_name
        {
            self.unnamed.remove(&contact);
            self.resolution.profile_names.push((contact, name.clone()));
        }
        if let Some(bsuid) = &person.bsuid {
            self.directory.attach(bsuid, contact, person.seen_at);
        }
        let contact = person.phones.iter().fold(contact, |contact, phone| self.claim_phone(phone, contact, person));
        if let Some(parent) = &person.parent_bsuid {
            self.directory.record_parent_bsuid(parent, contact, person.seen_at);
        }
        if let Some(username) = &person.username {
            self.directory.record_username(username, contact, person.seen_at);
        }
        contact
    }

    fn new_contact(&mut self, person: &Person) -> ContactId {
        let id = ContactId::new(self.clock);
        self.resolution.new.push(NewContact { id, display_name: person.display_name.clone().unwrap_or_default() });
        if person.display_name.is_none() {
            self.unnamed.insert(id);
        }
        if person.keys().next().is_none() {
            self.directory.flag_for_review([id]);
        }
        id
    }

    /// Gives a number to the contact of the person seen with it. Another contact with the number either is the same person
    /// (merged) or loses the number. Returns the person's contact after a merge.
    fn claim_phone(&mut self, phone: &IdentityKey, contact: ContactId, person: &Person) -> ContactId {
        let Some(record) = self.directory.by_phone(phone).filter(|record| record.contact != contact).cloned() else {
            self.directory.attach(phone, contact, person.seen_at);
            return contact;
        };
        // An event that arrives late: the person has replaced the number since, and another contact has it.
        if self.directory.was_superseded_after(phone, contact, person.seen_at) {
            return contact;
        }
        if self.is_different_person(record.contact, contact, person) {
            // A number that its contact is known to have replaced may be recycled without a review.
            if record.current {
                self.directory.flag_for_review([contact, record.contact]);
            }
            self.directory.reassign_if_later(phone, contact, person.seen_at);
            return contact;
        }
        let (from, into) = older_first(contact, record.contact);
        self.merge(from, into);
        self.directory.attach(phone, into, person.seen_at);
        into
    }

    /// Applies pending changes and sightings whose keys resolve to a contact, until none is left.
    fn apply_pending(&mut self) {
        let has_owner =
            |change: &IdentityChange, directory: &Directory| change.keys().any(|key| directory.owner(key).is_some());
        loop {
            if let Some(at) = self.pending.iter().position(|change| has_owner(change, &self.directory)) {
                let change = self.pending.remove(at);
                if let Some(contact) = self.apply_change(&change) {
                    self.resolution.applied_changes.push((contact, change));
                }
            } else if let Some(at) = self.sightings.iter().position(|person| self.find(person).is_some()) {
                let person = self.sightings.remove(at);
                self.contact_of(&person);
            } else {
                return;
            }
        }
    }

    /// Gives the keys after the change to the contact of the keys before it.
    fn apply_change(&mut self, change: &IdentityChange) -> Option<ContactId> {
        let at = change.changed_at;
        let [bsuid_before, bsuid_after] = [&change.before, &change.after].map(|keys| first(keys, IdentityKind::Bsuid));
        let [phone_before, phone_after] = [&change.before, &change.after].map(|keys| first(keys, IdentityKind::Phone));
        let by_bsuid = |key: Option<&IdentityKey>| self.directory.owner(key?);
        let by_phone = |key: Option<&IdentityKey>| self.directory.by_phone(key?);
        // A contact that got the old number after the change is another person.
        let had_phone = || by_phone(phone_before).filter(|record| record.since <= at);
        let before = by_bsuid(bsuid_before).or_else(|| had_phone().map(|record| record.contact));
        let mut contact = match (before, by_bsuid(bsuid_after)) {
            (Some(before), Some(after)) if before != after => {
                self.merge(after, before);
                self.explained.insert(before);
                before
            }
            (Some(contact), _) | (None, Some(contact)) => contact,
            // Only the new number resolves: its contact, which has no BSUID, is the person.
            (None, None) => by_phone(phone_after)?.contact,
        };
        let person = Person { bsuid: bsuid_after.or(bsuid_before).cloned(), ..Person::unknown(at) };
        for key in &change.after {
            if Some(key) == bsuid_after {
                self.directory.attach(key, contact, at);
            } else {
                contact = self.claim_phone_in_change(key, contact, &person);
            }
            self.directory.mark_affirmed(key, contact, at);
        }
        for key in change.before.iter().filter(|key| !change.after.contains(key)) {
            if self.directory.owner(key).is_none() {
                self.directory.attach(key, contact, at);
            }
            let replaced = change.after.iter().any(|after| after.kind == key.kind);
            if replaced && self.directory.owner(key) == Some(contact) {
                self.directory.mark_superseded(key, contact, at);
            }
        }
        // Older notices do not name the BSUID that was replaced: it is the current one.
        if let (None, Some(new)) = (bsuid_before, bsuid_after) {
            let replaced: Vec<_> = self
                .directory
                .of(contact)
                .filter(|record| record.current && record.key.kind == new.kind)
                .filter(|record| record.key.scope == new.scope && record.key.value != new.value)
                .map(|record| record.key.clone())
                .collect();
            for key in replaced {
                self.directory.mark_superseded(&key, contact, at);
            }
        }
        Some(contact)
    }

    /// Like [`Self::claim_phone`], but a merge keeps the contact of the person whose keys changed.
    fn claim_phone_in_change(&mut self, phone: &IdentityKey, contact: ContactId, person: &Person) -> ContactId {
        let other = self.directory.by_phone(phone).map(|record| record.contact).filter(|other| *other != contact);
        match other {
            Some(other) if !self.is_different_person(other, contact, person) => {
                self.merge(other, contact);
                self.explained.insert(contact);
                self.directory.attach(phone, contact, person.seen_at);
                contact
            }
            _ => self.claim_phone(phone, contact, person),
        }
    }

    /// Whether the BSUIDs show that `other` is not the person, whose contact is `contact`.
    fn is_different_person(&self, other: ContactId, contact: ContactId, person: &Person) -> bool {
        self.directory.has_other_bsuid(other, person.bsuid.as_ref())
            || self.directory.have_conflicting_bsuids(contact, other)
    }

    fn merge(&mut self, from: ContactId, into: ContactId) {
        self.directory.merge(from, into);
        if self.explained.remove(&from) {
            self.explained.insert(into);
        }
        let Resolution { contacts, applied_changes, .. } = &mut self.resolution;
        let results = contacts.iter_mut().chain(applied_changes.iter_mut().map(|(contact, _)| contact));
        results.filter(|contact| **contact == from).for_each(|contact| *contact = into);
    }

    fn finish(self) -> Resolution {
        let mut resolution = self.resolution;
        let explained: Vec<ContactId> =
            self.explained.iter().copied().filter(|contact| !self.directory.shares_a_number(*contact)).collect();
        let (records, merged, mut flagged_for_review) = self.directory.into_changes();
        flagged_for_review.retain(|contact| !explained.contains(contact));
        // A contact that this batch created and merged is not written at all.
        let (created, dropped): (Vec<_>, Vec<_>) =
            resolution.new.into_iter().partition(|new| merged.iter().all(|merge| merge.from != new.id));
        let is_stored = |merge: &Merge| dropped.iter().all(|new| new.id != merge.from);
        let remaining = |contact| merged.iter().find(|merge| merge.from == contact).map_or(contact, |merge| merge.into);
        // The name of a contact that was merged is that of the remaining one, if that has none.
        let mut seen = HashSet::new();
        let of_dropped = dropped.iter().map(|new| (new.id, new.display_name.clone()));
        let names = of_dropped.chain(resolution.profile_names).map(|(contact, name)| (remaining(contact), name));
        resolution.profile_names = names.filter(|(contact, name)| !name.is_empty() && seen.insert(*contact)).collect();
        resolution.explained = explained;
        resolution.new = created;
        resolution.merged = merged.into_iter().filter(is_stored).collect();
        Resolution { records, flagged_for_review, unmatched_sightings: self.sightings, ..resolution }
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
