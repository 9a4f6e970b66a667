use kernel::ids::ContactId;
use kernel::{Clock, StoreError};

use crate::create_contact::spellings;
use crate::identity::{Identity, IdentityKey, IdentityRecord};
use crate::inbox::Lock;
use crate::{Attributes, Contact, ContactTx, MarketingConsent};

/// The contact to which messages with this number or user id belong; a new one, without a name, if there is none. What arrives
/// later with the same key belongs to the same contact.
///
/// # Errors
/// [`StoreError`].
pub async fn find_or_create_contact(
    repo: &mut dyn ContactTx,
    key: IdentityKey,
    clock: &dyn Clock,
) -> Result<ContactId, StoreError> {
    let keys: Vec<IdentityKey> = spellings(&key).collect();
    let mut locks: Vec<Lock> = keys.iter().cloned().map(Lock::Person).collect();
    locks.sort();
    repo.lock(&locks).await?;
    let stored = repo.stored_identities(&keys).await?;
    let owner = |key: &IdentityKey| stored.identities.iter().find(|record| record.resolves && record.key == *key);
    if let Some(record) = keys.iter().find_map(owner) {
        return Ok(record.contact);
    }
    let now = clock.now();
    let contact = Contact {
        id: ContactId::new(clock),
        display_name: String::new(),
        identities: vec![Identity { key: key.clone(), current: true }],
        attributes: Attributes::default().into_inner(),
        language: None,
        marketing_consent: MarketingConsent::Unknown,
        needs_review: false,
        version: 1,
        created_at: now,
    };
    repo.insert_contact(&contact).await?;
    repo.store_identities(&[IdentityRecord::new(key, contact.id, now)], now).await?;
    Ok(contact.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeStore, run};

    #[test]
    fn second_send_to_a_number_finds_the_contact() {
        let mut store = FakeStore::new();
        let clock = std::sync::Arc::clone(&store.clock);
        let phone = |digits: &str| IdentityKey::phone(digits).unwrap();
        let mut find = |digits: &str| run(find_or_create_contact(&mut store, phone(digits), &*clock)).unwrap();
        let first = find("5511987654321");
        assert_eq!(find("5511987654321"), first);
        // The same number in Brazil's older spelling.
        assert_eq!(find("551187654321"), first);
        assert_ne!(find("15550100"), first);
    }
}
