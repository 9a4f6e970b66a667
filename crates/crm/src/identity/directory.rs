use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use kernel::ids::ContactId;

use super::{IdentityKey, IdentityKind, IdentityRecord, Merge};

/// The identity records of a batch in memory, and which of them have to be written.
#[derive(Debug, Default)]
pub(super) struct Directory {
    records: BTreeMap<(IdentityKey, ContactId), IdentityRecord>,
    owners: HashMap<IdentityKey, ContactId>,
    changed: BTreeSet<(IdentityKey, ContactId)>,
    merged: Vec<Merge>,
    flagged_for_review: BTreeSet<ContactId>,
}

impl Directory {
    pub(super) fn new(records: Vec<IdentityRecord>) -> Self {
        let mut directory = Self::default();
        for record in records {
            if record.resolves {
                directory.owners.insert(record.key.clone(), record.contact);
            }
            directory.records.insert((record.key.clone(), record.contact), record);
        }
        directory
    }

    /// The contact to which events with this key belong.
    pub(super) fn owner(&self, key: &IdentityKey) -> Option<ContactId> {
        self.owners.get(key).copied()
    }

    /// The record that resolves a phone number. The number as spelled takes precedence over its other spelling.
    pub(super) fn by_phone(&self, phone: &IdentityKey) -> Option<&IdentityRecord> {
        let spellings = [Some(phone.clone()), phone.other_spelling()];
        spellings.into_iter().flatten().find_map(|key| {
            let contact = self.owner(&key)?;
            self.records.get(&(key, contact))
        })
    }

    /// Whether the contact has a current BSUID in the scope of `bsuid` that differs from it. Without `bsuid`: whether it has
    /// any current BSUID.
    pub(super) fn has_other_bsuid(&self, contact: ContactId, bsuid: Option<&IdentityKey>) -> bool {
        self.of(contact).any(|record| {
            record.key.kind == IdentityKind::Bsuid
                && record.current
                && bsuid.is_none_or(|bsuid| record.key.scope == bsuid.scope && record.key.value != bsuid.value)
        })
    }

    /// Whether WhatsApp has reported that the contact's key was replaced at `seen_at` or later.
    pub(super) fn was_superseded_after(&self, key: &IdentityKey, contact: ContactId, seen_at: DateTime<Utc>) -> bool {
        let record = self.records.get(&(key.clone(), contact));
        record.and_then(|record| record.superseded_at).is_some_and(|left| seen_at <= left)
    }

    /// Whether two contacts have different current BSUIDs in the same scope, so that they are different people.
    pub(super) fn have_conflicting_bsuids(&self, one: ContactId, other: ContactId) -> bool {
        self.of(one).any(|record| {
            let key = &record.key;
            key.kind == IdentityKind::Bsuid && record.current && self.has_other_bsuid(other, Some(key))
        })
    }

    pub(super) fn of(&self, contact: ContactId) -> impl Iterator<Item = &IdentityRecord> {
        self.records.values().filter(move |record| record.contact == contact)
    }

    /// Gives a contact a key that resolves to no other contact.
    pub(super) fn attach(&mut self, key: &IdentityKey, contact: ContactId, seen_at: DateTime<Utc>) {
        self.update(key, contact, seen_at, |record| {
            record.current |= !record.resolves;
            record.resolves = true;
        });
        self.owners.insert(key.clone(), contact);
    }

    /// Moves a key from its contact to this one, if it was seen with this one later.
    pub(super) fn reassign_if_later(&mut self, key: &IdentityKey, contact: ContactId, seen_at: DateTime<Utc>) {
        let Some(owner) = self.owner(key) else { return self.attach(key, contact, seen_at) };
        let since = self.records.get(&(key.clone(), owner)).map(|record| record.since);
        let (loser, is_later) =
            if since.is_some_and(|since| seen_at < since) { (contact, false) } else { (owner, true) };
        self.update(key, loser, seen_at, |record| (record.resolves, record.current) = (false, false));
        if is_later {
            self.attach(key, contact, seen_at);
        }
    }

    /// Records WhatsApp's report that the key became the contact's.
    pub(super) fn mark_affirmed(&mut self, key: &IdentityKey, contact: ContactId, at: DateTime<Utc>) {
        self.update(key, contact, at, |record| {
            record.affirmed_at = record.affirmed_at.max(Some(at));
            record.current = is_current(record);
        });
    }

    /// Records WhatsApp's report that the key was replaced. It still resolves to the contact.
    pub(super) fn mark_superseded(&mut self, key: &IdentityKey, contact: ContactId, at: DateTime<Utc>) {
        self.update(key, contact, at, |record| {
            record.superseded_at = record.superseded_at.max(Some(at));
            record.current = is_current(record);
        });
    }

    /// Records a BSUID of the parent business, which never resolves.
    pub(super) fn record_parent_bsuid(&mut self, key: &IdentityKey, contact: ContactId, seen_at: DateTime<Utc>) {
        if !self.records.contains_key(&(key.clone(), contact)) {
            self.update(key, contact, seen_at, |record| record.resolves = false);
        }
    }

    /// Records a user name, which never resolves. The name seen last is current.
    pub(super) fn record_username(&mut self, key: &IdentityKey, contact: ContactId, seen_at: DateTime<Utc>) {
        let of_kind: Vec<_> = self.of(contact).filter(|record| record.key.kind == key.kind).cloned().collect();
        let same = of_kind.iter().find(|record| record.key.value.to_lowercase() == key.value.to_lowercase());
        if same.is_some_and(|record| record.current) {
            return;
        }
        let key = same.map_or(key, |record| &record.key);
        let is_latest = of_kind.iter().all(|record| record.since <= seen_at);
        self.update(key, contact, seen_at, |record| {
            (record.resolves, record.current) = (false, is_latest);
            if is_latest {
                record.since = seen_at;
            }
        });
        for other in of_kind.iter().filter(|other| is_latest && other.key != *key) {
            self.update(&other.key, contact, other.since, |record| record.current = false);
        }
    }

    /// Whether another contact has, or had, one of the contact's numbers.
    pub(super) fn shares_a_number(&self, contact: ContactId) -> bool {
        let is_number = |record: &&IdentityRecord| record.key.kind == IdentityKind::Phone;
        let has_another = |record: &IdentityRecord| {
            self.records.values().any(|other| other.contact != contact && other.key == record.key)
        };
        self.of(contact).filter(is_number).any(has_another)
    }

    /// Merges a contact into another, with all its records.
    pub(super) fn merge(&mut self, from: ContactId, into: ContactId) {
        let keys: Vec<_> = self.of(from).map(|record| record.key.clone()).collect();
        for key in keys {
            let Some(record) = self.records.remove(&(key.clone(), from)) else { continue };
            self.changed.remove(&(key.clone(), from));
            if record.resolves {
                self.owners.insert(key.clone(), into);
            }
            self.changed.insert((key.clone(), into));
            let combined = match self.records.remove(&(key.clone(), into)) {
                Some(other) => combine(other, &record),
                None => IdentityRecord { contact: into, ..record },
            };
            self.records.insert((key, into), combined);
        }
        for merge in &mut self.merged {
            if merge.into == from {
                merge.into = into;
            }
        }
        self.merged.push(Merge { from, into });
        if self.flagged_for_review.remove(&from) {
            self.flagged_for_review.insert(into);
        }
    }

    /// Marks contacts for a check by a user.
    pub(super) fn flag_for_review(&mut self, contacts: impl IntoIterator<Item = ContactId>) {
        self.flagged_for_review.extend(contacts);
    }

    /// What has to be written: records, merges, contacts to review.
    pub(super) fn into_changes(mut self) -> (Vec<IdentityRecord>, Vec<Merge>, Vec<ContactId>) {
        let mut records: Vec<_> = self.changed.iter().filter_map(|key| self.records.remove(key)).collect();
        // Records that do not resolve come first: at most one record of a key resolves at any time.
        records.sort_by_key(|record| record.resolves);
        (records, self.merged, self.flagged_for_review.into_iter().collect())
    }

    /// Changes the record of a key and contact, and creates it if there is none. An unchanged record is not written.
    fn update(
        &mut self,
        key: &IdentityKey,
        contact: ContactId,
        seen_at: DateTime<Utc>,
        change: impl FnOnce(&mut IdentityRecord),
    ) {
        let entry = (key.clone(), contact);
        let before = self.records.get(&entry);
        let mut record = before.cloned().unwrap_or_else(|| IdentityRecord::new(key.clone(), contact, seen_at));
        record.since = record.since.min(seen_at);
        change(&mut record);
        if before != Some(&record) {
            self.changed.insert(entry.clone());
            self.records.insert(entry, record);
        }
    }
}

fn is_current(record: &IdentityRecord) -> bool {
    record.superseded_at.is_none_or(|superseded| record.affirmed_at >= Some(superseded))
}

/// Combines the records of one key when its two contacts are merged.
fn combine(a: IdentityRecord, b: &IdentityRecord) -> IdentityRecord {
    let mut record = IdentityRecord {
        resolves: a.resolves || b.resolves,
        current: a.current || b.current,
        since: a.since.min(b.since),
        affirmed_at: a.affirmed_at.max(b.affirmed_at),
        superseded_at: a.superseded_at.max(b.superseded_at),
        ..a
    };
    if record.superseded_at.is_some() {
        record.current = is_current(&record);
    }
    record
}
