use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::ContactId;
use kernel::{Cursor, Page, PageRequest, StoreError};

use super::FakeStore;
use crate::identity::{Identity, PhoneCountry};
use crate::{BusinessNumberRepo, Contact, ContactRepo, DeletedContact, FieldsSetByUser};

impl FakeStore {
    fn with_identities(&self, contact: &Contact) -> Contact {
        let records = self.identities.iter().filter(|record| record.contact == contact.id);
        let identities = records.map(|record| Identity { key: record.key.clone(), current: record.current });
        Contact { identities: identities.collect(), ..contact.clone() }
    }
}

#[async_trait]
impl BusinessNumberRepo for FakeStore {
    async fn phone_countries(&mut self) -> Result<Vec<PhoneCountry>, StoreError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl ContactRepo for FakeStore {
    async fn contacts(&mut self, page: &PageRequest) -> Result<Page<Contact>, StoreError> {
        let contacts: Vec<_> = self.contacts.values().rev().map(|contact| self.with_identities(contact)).collect();
        Ok(Page::of(contacts, page.limit, |contact| Cursor::new(contact.created_at, contact.id.as_uuid())))
    }

    async fn contact(&mut self, id: ContactId) -> Result<Option<Contact>, StoreError> {
        Ok(self.contacts.get(&self.resolve_id(id)).map(|contact| self.with_identities(contact)))
    }

    async fn contact_ids(&mut self, ids: &[ContactId]) -> Result<HashMap<ContactId, ContactId>, StoreError> {
        let found = ids.iter().map(|id| (*id, self.resolve_id(*id)));
        Ok(found.filter(|(_, id)| self.contacts.contains_key(id)).collect())
    }

    async fn lock_contact(&mut self, id: ContactId) -> Result<Option<Contact>, StoreError> {
        self.contact(id).await
    }

    async fn mark_reviewed(&mut self, id: ContactId, _now: DateTime<Utc>) -> Result<(), StoreError> {
        let contact = self.contacts.get_mut(&id).unwrap();
        contact.needs_review = false;
        contact.version += 1;
        Ok(())
    }

    async fn insert_contact(&mut self, contact: &Contact) -> Result<(), StoreError> {
        if !contact.display_name.is_empty() {
            self.named_by_user.insert(contact.id);
        }
        self.contacts.insert(contact.id, contact.clone());
        Ok(())
    }

    async fn update_contact(
        &mut self,
        contact: &Contact,
        set_by_user: FieldsSetByUser,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if set_by_user.display_name {
            self.named_by_user.insert(contact.id);
        }
        if set_by_user.marketing_consent {
            self.consent_at.insert(contact.id, now);
        }
        self.contacts.insert(contact.id, contact.clone());
        Ok(())
    }

    async fn erase_contact(&mut self, id: ContactId, now: DateTime<Utc>) -> Result<DeletedContact, StoreError> {
        for record in self.identities.iter().filter(|record| record.contact == id && record.resolves) {
            self.erased.insert(record.key.clone(), now);
        }
        self.contacts.remove(&id);
        self.identities.retain(|record| record.contact != id);
        self.interactions.retain(|interaction| interaction.contact != id);
        self.updates.retain(|update| update.contact != Some(id));
        let conversations = self.conversations.extract_if(.., |it| it.contact == id).count();
        let messages = self.messages.extract_if(.., |(message, _)| message.contact == id).count();
        let count = |count: usize| u64::try_from(count).unwrap();
        Ok(DeletedContact { id, conversations: count(conversations), messages: count(messages) })
    }
}
