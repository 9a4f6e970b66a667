use std::collections::{BTreeSet, HashMap};

use kernel::ids::ContactId;
use kernel::{Clock, StoreError};

use crate::ContactTx;
use crate::create_contact::spellings;
use crate::identity::{IdentityKey, IdentityRecord, NewContact};
use crate::inbox::Lock;

/// A contact that has a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundContact {
    pub id: ContactId,
    /// It was created by this transaction.
    pub is_new: bool,
}

/// The contacts to which messages with these numbers or user ids belong; a new one, without a name, where there is none. What arrives
/// later with the same key belongs to the same contact.
///
/// # Errors
/// [`StoreError`].
pub async fn find_or_create_contacts(
    repo: &mut dyn ContactTx,
    keys: &[IdentityKey],
    clock: &dyn Clock,
) -> Result<HashMap<IdentityKey, FoundContact>, StoreError> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let all: BTreeSet<IdentityKey> = keys.iter().flat_map(spellings).collect();
    let all: Vec<IdentityKey> = all.into_iter().collect();
    let mut locks: Vec<Lock> = all.iter().cloned().map(Lock::Person).collect();
    locks.sort();
    repo.lock(&locks).await?;
    let stored = repo.stored_identities(&all).await?;
    let mut owners: HashMap<IdentityKey, FoundContact> = stored
        .identities
        .iter()
        .filter(|record| record.resolves)
        .map(|record| (record.key.clone(), FoundContact { id: record.contact, is_new: false }))
        .collect();
    let (now, mut contacts, mut records) = (clock.now(), Vec::new(), Vec::new());
    let mut found = HashMap::with_capacity(keys.len());
    for key in keys {
        let owner = spellings(key).find_map(|key| owners.get(&key).copied());
        let owner = owner.unwrap_or_else(|| {
            let id = ContactId::new(clock);
            contacts.push(NewContact { id, display_name: String::new() });
            records.push(IdentityRecord::new(key.clone(), id, now));
            FoundContact { id, is_new: true }
        });
        owners.insert(key.clone(), owner);
        found.insert(key.clone(), owner);
    }
    if !contacts.is_empty() {
        repo.insert_contacts(&contacts, now).await?;
        repo.store_identities(&records, now).await?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeStore, run};

    fn phone(digits: &str) -> IdentityKey {
        IdentityKey::phone(digits).unwrap()
    }

    fn find(store: &mut FakeStore, keys: &[IdentityKey]) -> Vec<FoundContact> {
        let clock = std::sync::Arc::clone(&store.clock);
        let found = run(find_or_create_contacts(store, keys, &*clock)).unwrap();
        keys.iter().map(|key| found[key]).collect()
    }

    #[test]
    fn second_send_to_a_number_finds_the_contact() {
        let mut store = FakeStore::new();
        let first = find(&mut store, &[phone("5511987654321")])[0];
        assert!(first.is_new);
        // The second is the same number in Brazil's older spelling.
        let again = find(&mut store, &[phone("5511987654321"), phone("551187654321"), phone("15550100")]);
        assert_eq!(again[..2], [FoundContact { is_new: false, ..first }; 2]);
        assert!(again[2].is_new && again[2].id != first.id);
    }

    #[test]
    fn two_spellings_in_one_call_become_one_contact() {
        let mut store = FakeStore::new();
        let found = find(&mut store, &[phone("5511987654321"), phone("551187654321")]);
        assert_eq!(found[0].id, found[1].id);
    }
}
