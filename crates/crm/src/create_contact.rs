use std::collections::BTreeSet;

use kernel::ids::ContactId;
use kernel::{Clock, CrmWrite, Permit, StoreError};

use crate::contact::consent_changed;
use crate::identity::{Identity, IdentityKey, IdentityKind, IdentityRecord, Known};
use crate::inbox::Lock;
use crate::{Attributes, Contact, ContactName, ContactTx, Language, MarketingConsent};

/// A contact that a user makes, before the customer has written.
#[derive(Clone, Debug)]
pub struct CreateContact {
    /// Without one, the customer's profile will give it.
    pub name: Option<ContactName>,
    /// As [`IdentityKey::given`] makes them.
    pub identities: Vec<IdentityKey>,
    pub attributes: Attributes,
    pub language: Option<Language>,
    pub marketing_consent: MarketingConsent,
}

#[derive(Debug, thiserror::Error)]
pub enum CreateContactError {
    /// Nobody could tell who it is.
    #[error("there is neither a name nor an identity")]
    NothingKnown,
    /// The identity at this place is the same as one before.
    #[error("the identity is given twice")]
    Repeated { at: usize },
    /// The identity at this place leads to a contact already.
    #[error("the identity is another contact's")]
    Taken { at: usize },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a contact. Whoever writes from one of its numbers is this contact from then on.
///
/// # Errors
/// [`CreateContactError`].
pub async fn create_contact(
    permit: Permit<CrmWrite>,
    repo: &mut dyn ContactTx,
    new: CreateContact,
    clock: &dyn Clock,
) -> Result<Contact, CreateContactError> {
    let CreateContact { name, identities, attributes, language, marketing_consent } = new;
    if name.is_none() && identities.is_empty() {
        return Err(CreateContactError::NothingKnown);
    }
    if let Some(at) = repeated(&identities) {
        return Err(CreateContactError::Repeated { at });
    }
    // Whoever records messages from these numbers, or makes them a contact, waits.
    let keys: BTreeSet<IdentityKey> = identities.iter().filter(|key| leads(key)).flat_map(spellings).collect();
    let locks: Vec<_> = keys.iter().cloned().map(Lock::Person).collect();
    repo.lock(&locks).await?;
    let known = repo.known(&keys.into_iter().collect::<Vec<_>>()).await?;
    if let Some(at) = identities.iter().position(|key| leads(key) && is_taken(&known, key)) {
        return Err(CreateContactError::Taken { at });
    }

    let now = clock.now();
    let contact = Contact {
        id: ContactId::new(clock),
        display_name: name.map(ContactName::into_inner).unwrap_or_default(),
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
        let resolves = leads(&key);
        IdentityRecord { resolves, ..IdentityRecord::new(key, contact.id, now) }
    });
    let records: Vec<_> = records.collect();
    if !records.is_empty() {
        repo.store_identities(&records, now).await?;
    }
    if marketing_consent != MarketingConsent::Unknown {
        let told = consent_changed(contact.id, marketing_consent, permit.user(), clock);
        repo.insert_interactions(&[told], now).await?;
    }
    Ok(contact)
}

fn leads(key: &IdentityKey) -> bool {
    matches!(key.kind, IdentityKind::Phone | IdentityKind::Bsuid)
}

/// A number as WhatsApp may write it.
fn spellings(key: &IdentityKey) -> impl Iterator<Item = IdentityKey> {
    [Some(key.clone()), key.other_spelling()].into_iter().flatten()
}

fn repeated(identities: &[IdentityKey]) -> Option<usize> {
    let mut seen = BTreeSet::new();
    identities.iter().position(|key| {
        let is_new = !seen.contains(key);
        seen.extend(spellings(key));
        !is_new
    })
}

fn is_taken(known: &Known, key: &IdentityKey) -> bool {
    spellings(key).any(|key| known.identities.iter().any(|record| record.resolves && record.key == key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_is_not_given_in_two_spellings() {
        let phone = |digits: &str| IdentityKey::phone(digits).unwrap();
        assert_eq!(repeated(&[phone("15550100"), phone("15550101"), IdentityKey::username("15550100")]), None);
        assert_eq!(repeated(&[phone("15550100"), phone("15550101"), phone("15550100")]), Some(2));
        assert_eq!(repeated(&[phone("5511987654321"), phone("551187654321")]), Some(1));
    }
}
