use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::StoreError;
use kernel::ids::ContactId;

use super::FakeStore;
use crate::identity::{
    IdentityChange, IdentityKey, IdentityKind, IdentityRecord, Merge, NewContact, Person, StoredIdentities,
};
use crate::inbox::{IdentityRepo, Lock};
use crate::{Contact, MarketingConsent};

#[async_trait]
impl IdentityRepo for FakeStore {
    async fn lock_recording_shared(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn lock_recording_exclusive(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn erased(&mut self, keys: &[IdentityKey]) -> Result<HashMap<IdentityKey, DateTime<Utc>>, StoreError> {
        Ok(self.erased.iter().filter(|(key, _)| keys.contains(key)).map(|(key, at)| (key.clone(), *at)).collect())
    }

    async fn lock(&mut self, locks: &[Lock]) -> Result<(), StoreError> {
        self.locks.extend_from_slice(locks);
        Ok(())
    }

    async fn stored_identities(&mut self, keys: &[IdentityKey]) -> Result<StoredIdentities, StoreError> {
        let resolved = self.identities.iter().filter(|record| record.resolves && keys.contains(&record.key));
        let contacts: HashSet<_> = resolved.map(|record| record.contact).collect();
        let has_key = |key: &IdentityKey| keys.contains(key);
        let pending = self.changes.iter().filter(|(_, applied)| !applied).map(|(change, _)| change);
        Ok(StoredIdentities {
            identities: self.identities.iter().filter(|record| contacts.contains(&record.contact)).cloned().collect(),
            changes: pending.filter(|change| change.keys().any(has_key)).cloned().collect(),
            sightings: self.sightings.iter().filter(|person| person.keys().any(has_key)).cloned().collect(),
            unnamed: contacts.into_iter().filter(|contact| self.contacts[contact].display_name.is_empty()).collect(),
        })
    }

    async fn keys_of_contacts(
        &mut self,
        contacts: &[ContactId],
    ) -> Result<HashMap<ContactId, Vec<IdentityKey>>, StoreError> {
        let mut keys: HashMap<ContactId, Vec<IdentityKey>> = HashMap::new();
        let is_key = |record: &&IdentityRecord| {
            let kinds = [IdentityKind::Bsuid, IdentityKind::Phone];
            record.resolves && record.current && kinds.contains(&record.key.kind) && contacts.contains(&record.contact)
        };
        for record in self.identities.iter().filter(is_key) {
            keys.entry(record.contact).or_default().push(record.key.clone());
        }
        Ok(keys)
    }

    async fn store_changes(&mut self, changes: &[IdentityChange], _now: DateTime<Utc>) -> Result<(), StoreError> {
        for change in changes {
            let fingerprint = change.fingerprint();
            if self.changes.iter().all(|(stored, _)| stored.fingerprint() != fingerprint) {
                self.changes.push((change.clone(), false));
            }
        }
        Ok(())
    }

    async fn store_sightings(&mut self, sightings: &[Person], _now: DateTime<Utc>) -> Result<(), StoreError> {
        self.sightings.extend_from_slice(sightings);
        Ok(())
    }

    async fn delete_sightings(&mut self, sightings: &[Person]) -> Result<(), StoreError> {
        self.sightings.retain(|person| !sightings.contains(person));
        Ok(())
    }

    async fn mark_changes_applied(&mut self, changes: &[IdentityChange]) -> Result<(), StoreError> {
        let applied: Vec<_> = changes.iter().map(IdentityChange::fingerprint).collect();
        self.changes.iter_mut().filter(|(it, _)| applied.contains(&it.fingerprint())).for_each(|(_, it)| *it = true);
        Ok(())
    }

    async fn insert_contacts(&mut self, contacts: &[NewContact], now: DateTime<Utc>) -> Result<(), StoreError> {
        for new in contacts {
            let contact = Contact {
                id: new.id,
                display_name: new.display_name.clone(),
                identities: Vec::new(),
                attributes: serde_json::Map::new(),
                language: None,
                marketing_consent: MarketingConsent::Unknown,
                needs_review: false,
                version: 1,
                created_at: now,
            };
            self.contacts.insert(new.id, contact);
        }
        Ok(())
    }

    async fn merge_contacts(&mut self, merges: &[Merge], _now: DateTime<Utc>) -> Result<(), StoreError> {
        for Merge { from, into } in merges.iter().copied() {
            let contact = self.contacts.remove(&from).unwrap();
            let remaining = self.contacts.get_mut(&into).unwrap();
            if remaining.display_name.is_empty() {
                remaining.display_name = contact.display_name;
            }
            self.identities.iter_mut().filter(|it| it.contact == from).for_each(|it| it.contact = into);
            self.conversations.iter_mut().filter(|it| it.contact == from).for_each(|it| it.contact = into);
            self.messages.iter_mut().filter(|(it, _)| it.contact == from).for_each(|(it, _)| it.contact = into);
            self.interactions.iter_mut().filter(|it| it.contact == from).for_each(|it| it.contact = into);
            self.updates.iter_mut().filter(|it| it.contact == Some(from)).for_each(|it| it.contact = Some(into));
            self.redirects.values_mut().filter(|id| **id == from).for_each(|id| *id = into);
            self.redirects.insert(from, into);
        }
        Ok(())
    }

    async fn store_identities(&mut self, records: &[IdentityRecord], _now: DateTime<Utc>) -> Result<(), StoreError> {
        for record in records {
            self.identities.retain(|stored| (&stored.key, stored.contact) != (&record.key, record.contact));
            self.identities.push(record.clone());
        }
        Ok(())
    }

    async fn clear_review(&mut self, contacts: &[ContactId], _now: DateTime<Utc>) -> Result<(), StoreError> {
        for contact in contacts {
            self.contacts.get_mut(contact).unwrap().needs_review = false;
        }
        Ok(())
    }

    async fn flag_for_review(&mut self, contacts: &[ContactId], _now: DateTime<Utc>) -> Result<(), StoreError> {
        for contact in contacts {
            self.contacts.get_mut(contact).unwrap().needs_review = true;
        }
        Ok(())
    }

    async fn name_unnamed_contacts(
        &mut self,
        names: &[(ContactId, String)],
        _now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for (contact, name) in names {
            let contact = self.contacts.get_mut(contact).unwrap();
            if contact.display_name.is_empty() {
                contact.display_name.clone_from(name);
            }
        }
        Ok(())
    }
}
