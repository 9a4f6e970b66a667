use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use crm::identity::PhoneCountry;
use crm::{Attributes, BusinessNumberRepo, Contact, ContactRepo, DeletedContact, FieldsSetByUser, MarketingConsent};
use kernel::ids::ContactId;
use kernel::{Clock, Page, PageRequest, StoreError};

use super::FakeStore;

/// The contacts of the tenant.
#[derive(Debug, Default)]
pub(crate) struct FakeContacts {
    pub(crate) by_id: BTreeMap<ContactId, Contact>,
    /// The ids of merged contacts.
    pub(crate) redirects: HashMap<ContactId, ContactId>,
}

/// How much each contact of unit tests has.
const CONVERSATIONS: u64 = 2;
const MESSAGES: u64 = 7;

impl FakeStore {
    pub(crate) fn add_contact(&mut self) -> ContactId {
        let id = ContactId::new(&*self.clock);
        let contact = Contact {
            id,
            display_name: String::new(),
            identities: Vec::new(),
            attributes: Attributes::default().into_inner(),
            language: None,
            marketing_consent: MarketingConsent::Unknown,
            needs_review: false,
            version: 1,
            created_at: self.clock.now(),
        };
        self.contacts.by_id.insert(id, contact);
        id
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
    async fn contacts(&mut self, _: &PageRequest) -> Result<Page<Contact>, StoreError> {
        unreachable!("no use case of this crate lists contacts")
    }

    async fn contact(&mut self, id: ContactId) -> Result<Option<Contact>, StoreError> {
        Ok(self.contacts.by_id.get(self.contacts.redirects.get(&id).unwrap_or(&id)).cloned())
    }

    async fn contact_ids(&mut self, ids: &[ContactId]) -> Result<HashMap<ContactId, ContactId>, StoreError> {
        let found = ids.iter().map(|id| (*id, *self.contacts.redirects.get(id).unwrap_or(id)));
        Ok(found.filter(|(_, id)| self.contacts.by_id.contains_key(id)).collect())
    }

    async fn lock_contact(&mut self, id: ContactId) -> Result<Option<Contact>, StoreError> {
        self.contact(id).await
    }

    async fn mark_reviewed(&mut self, id: ContactId, _: DateTime<Utc>) -> Result<(), StoreError> {
        self.contacts.by_id.get_mut(&id).unwrap().version += 1;
        Ok(())
    }

    async fn insert_contact(&mut self, _: &Contact) -> Result<(), StoreError> {
        unreachable!("no use case of this crate creates a contact")
    }

    async fn update_contact(&mut self, _: &Contact, _: FieldsSetByUser, _: DateTime<Utc>) -> Result<(), StoreError> {
        unreachable!("no use case of this crate changes a contact")
    }

    async fn erase_contact(&mut self, id: ContactId, _: DateTime<Utc>) -> Result<DeletedContact, StoreError> {
        self.contacts.by_id.remove(&id);
        Ok(DeletedContact { id, conversations: CONVERSATIONS, messages: MESSAGES })
    }
}
