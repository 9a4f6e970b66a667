use std::collections::BTreeSet;

use kernel::ids::ContactId;
use kernel::{Clock, CrmWrite, Permit, StoreError};

use crate::contact::consent_interaction;
use crate::identity::{
    GivenIdentity, Identity, IdentityKey, IdentityKind, IdentityRecord, InvalidIdentityInput, StoredIdentities,
};
use crate::inbox::Lock;
use crate::{Attributes, Contact, ContactName, ContactTx, Language, MarketingConsent};

/// A contact that a user creates before the customer has written.
#[derive(Clone, Debug)]
pub struct CreateContact {
    /// If absent, the customer's first message sets the name of their profile.
    pub display_name: Option<ContactName>,
    pub identities: Vec<GivenIdentity>,
    pub attributes: Attributes,
    pub language: Option<Language>,
    pub marketing_consent: MarketingConsent,
}

#[derive(Debug, thiserror::Error)]
pub enum CreateContactError {
    #[error("a name or an identity is required")]
    NameOrIdentityRequired,
    /// The number at this index has no country's code, and none of the tenant's countries has it, or several do.
    #[error("{source}")]
    InvalidIdentity { at: usize, source: InvalidIdentityInput },
    /// The identity at this index repeats an earlier one, possibly in another spelling.
    #[error("the identity is given twice")]
    DuplicateIdentity { at: usize },
    /// The identity at this index belongs to another contact.
    #[error("the identity belongs to another contact")]
    IdentityInUse { at: usize },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Creates a contact. Messages from one of its numbers belong to this contact from then on.
///
/// # Errors
/// [`CreateContactError`].
pub async fn create_contact(
    permit: Permit<CrmWrite>,
    repo: &mut dyn ContactTx,
    new: CreateContact,
    clock: &dyn Clock,
) -> Result<Contact, CreateContactError> {
    let CreateContact { display_name, identities, attributes, language, marketing_consent } = new;
    if display_name.is_none() && identities.is_empty() {
        return Err(CreateContactError::NameOrIdentityRequired);
    }
    let identities = keys(repo, identities).await?;
    if let Some(at) = first_duplicate(&identities) {
        return Err(CreateContactError::DuplicateIdentity { at });
    }
    // Recording messages from these numbers, and creating another contact with them, waits for this transaction.
    let keys: BTreeSet<IdentityKey> = identities.iter().filter(|key| resolves(key)).flat_map(spellings).collect();
    let locks: Vec<_> = keys.iter().cloned().map(Lock::Person).collect();
    repo.lock(&locks).await?;
    let stored = repo.stored_identities(&keys.into_iter().collect::<Vec<_>>()).await?;
    if let Some(at) = identities.iter().position(|key| resolves(key) && is_in_use(&stored, key)) {
        return Err(CreateContactError::IdentityInUse { at });
    }

    let now = clock.now();
    let contact = Contact {
        id: ContactId::new(clock),
        display_name: display_name.map(ContactName::into_inner).unwrap_or_default(),
        identities: identities.iter().map(|key| Identity { key: key.clone(), current: true }).collect(),
        attributes: attributes.into_inner(),
        language: language.map(Language::into_inner),
        marketing_consent,
        needs_review: false,
        version: 1,
        created_at: now,
    };
    repo.insert_contact(&contact).await?;
    let records = identities.into_iter().map(|key| {
        let resolves = resolves(&key);
        IdentityRecord { resolves, ..IdentityRecord::new(key, contact.id, now) }
    });
    let records: Vec<_> = records.collect();
    if !records.is_empty() {
        repo.store_identities(&records, now).await?;
    }
    if marketing_consent != MarketingConsent::Unknown {
        let interaction = consent_interaction(contact.id, marketing_consent, permit.actor(), clock);
        repo.insert_interactions(&[interaction], now).await?;
    }
    Ok(contact)
}

/// The keys of the identities. The countries of the tenant's numbers are read only if a number lacks its country's code.
async fn keys(
    repo: &mut dyn ContactTx,
    identities: Vec<GivenIdentity>,
) -> Result<Vec<IdentityKey>, CreateContactError> {
    let is_national = |identity: &GivenIdentity| matches!(identity, GivenIdentity::NationalNumber(_));
    let countries = if identities.iter().any(is_national) { repo.phone_countries().await? } else { Vec::new() };
    let key = |(at, identity): (usize, GivenIdentity)| {
        identity.into_key(&countries).map_err(|source| CreateContactError::InvalidIdentity { at, source })
    };
    identities.into_iter().enumerate().map(key).collect()
}

/// Whether messages with this key belong to the contact that has it.
fn resolves(key: &IdentityKey) -> bool {
    matches!(key.kind, IdentityKind::Phone | IdentityKind::Bsuid)
}

/// A number in each spelling that WhatsApp uses for it.
pub(crate) fn spellings(key: &IdentityKey) -> impl Iterator<Item = IdentityKey> {
    [Some(key.clone()), key.other_spelling()].into_iter().flatten()
}

fn first_duplicate(identities: &[IdentityKey]) -> Option<usize> {
    let mut seen = BTreeSet::new();
    identities.iter().position(|key| {
        let is_new = !seen.contains(key);
        seen.extend(spellings(key));
        !is_new
    })
}

fn is_in_use(stored: &StoredIdentities, key: &IdentityKey) -> bool {
    spellings(key).any(|key| stored.identities.iter().any(|record| record.resolves && record.key == key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeStore, at, message, run};
    use crate::inbox::Batch;

    #[test]
    fn number_in_two_spellings_is_a_duplicate() {
        let phone = |digits: &str| IdentityKey::phone(digits).unwrap();
        assert_eq!(first_duplicate(&[phone("15550100"), phone("15550101"), IdentityKey::username("15550100")]), None);
        assert_eq!(first_duplicate(&[phone("15550100"), phone("15550101"), phone("15550100")]), Some(2));
        assert_eq!(first_duplicate(&[phone("5511987654321"), phone("551187654321")]), Some(1));
    }

    fn new(name: &str, identities: Vec<IdentityKey>) -> CreateContact {
        CreateContact {
            display_name: ContactName::parse(name).ok(),
            identities: identities.into_iter().map(GivenIdentity::Key).collect(),
            attributes: Attributes::default(),
            language: None,
            marketing_consent: MarketingConsent::Unknown,
        }
    }

    fn create(store: &mut FakeStore, new: CreateContact) -> Result<Contact, CreateContactError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(create_contact(permit, store, new, &*clock))
    }

    #[test]
    fn contact_without_name_and_identity_is_rejected() {
        let outcome = create(&mut FakeStore::new(), new("", Vec::new()));
        assert!(matches!(outcome, Err(CreateContactError::NameOrIdentityRequired)));
    }

    #[test]
    fn number_of_another_contact_is_rejected_in_any_spelling() {
        let mut store = FakeStore::new();
        store.contact_named("Grace", &["5511987654321"]);
        let identities = vec![IdentityKey::username("ada"), IdentityKey::phone("551187654321").unwrap()];
        let outcome = create(&mut store, new("Ada", identities));
        assert!(matches!(outcome, Err(CreateContactError::IdentityInUse { at: 1 })));
        assert_eq!(store.contacts.len(), 1);
    }

    #[test]
    fn username_of_another_contact_is_accepted() {
        let mut store = FakeStore::new();
        for name in ["Grace", "Ada"] {
            create(&mut store, new(name, vec![IdentityKey::username("amazing")])).unwrap();
        }
        assert_eq!(store.contacts.len(), 2);
        assert!(store.identities.iter().all(|record| !record.resolves));
    }

    #[test]
    fn numbers_are_locked_in_both_spellings() {
        let mut store = FakeStore::new();
        store.contact_named("Grace", &["5511987654321"]);
        let phone = |digits: &str| Lock::Person(IdentityKey::phone(digits).unwrap());
        assert_eq!(store.locks, [phone("551187654321"), phone("5511987654321")]);
    }

    #[test]
    fn consent_of_a_new_contact_is_added_to_the_history() {
        let mut store = FakeStore::new();
        create(&mut store, CreateContact { marketing_consent: MarketingConsent::Granted, ..new("Ada", Vec::new()) })
            .unwrap();
        assert_eq!(store.history(), ["Wants marketing messages"]);
    }

    #[test]
    fn message_from_a_given_number_belongs_to_the_contact() {
        let mut store = FakeStore::new();
        let contact = store.contact_named("Grace", &["15550100"]);
        store.record(Batch { messages: vec![message("m1", "15550100", at(1))], ..Batch::default() });
        assert_eq!(store.conversations[0].contact, contact.id);
        assert_eq!(store.contacts.len(), 1);
    }
}
