use kernel::ids::ContactId;
use kernel::{Clock, CrmWrite, Permit, StoreError};

use crate::{ContactTx, DeletedContact};

#[derive(Debug, thiserror::Error)]
pub enum DeleteContactError {
    #[error("the contact does not exist")]
    NotFound,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Deletes a contact with its identities, conversations, messages, updates of messages and interactions. A hash of each
/// identity is kept, so that events from before the deletion stay deleted when they are delivered or replayed later. A
/// message sent after the deletion creates a new contact.
///
/// # Errors
/// [`DeleteContactError`].
pub async fn delete_contact(
    _permit: Permit<CrmWrite>,
    repo: &mut dyn ContactTx,
    id: ContactId,
    clock: &dyn Clock,
) -> Result<DeletedContact, DeleteContactError> {
    repo.lock_recording_exclusive().await?;
    let contact = repo.lock_contact(id).await?.ok_or(DeleteContactError::NotFound)?;
    Ok(repo.erase_contact(contact.id, clock.now()).await?)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::fake::{FakeStore, at, message, run};
    use crate::inbox::Batch;

    fn delete(store: &mut FakeStore, id: ContactId) -> Result<DeletedContact, DeleteContactError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(delete_contact(permit, store, id, &*clock))
    }

    /// A contact with a message, deleted 100 seconds later.
    fn deleted() -> (FakeStore, DeletedContact) {
        let mut store = FakeStore::new();
        store.record(Batch { messages: vec![message("m1", "15550100", at(1))], ..Batch::default() });
        store.clock.advance(TimeDelta::seconds(100));
        let id = store.conversations[0].contact;
        let deleted = delete(&mut store, id).unwrap();
        (store, deleted)
    }

    #[test]
    fn deletion_returns_how_much_was_deleted() {
        let (store, deleted) = deleted();
        assert_eq!((deleted.conversations, deleted.messages), (1, 1));
        assert!(store.contacts.is_empty() && store.history().is_empty());
    }

    #[test]
    fn event_from_before_the_deletion_restores_nothing() {
        let (mut store, _) = deleted();
        store.record(Batch { messages: vec![message("m1", "15550100", at(1))], ..Batch::default() });
        assert!(store.contacts.is_empty() && store.messages.is_empty());
    }

    #[test]
    fn message_after_the_deletion_creates_a_new_contact() {
        let (mut store, deleted) = deleted();
        store.record(Batch { messages: vec![message("m2", "15550100", at(100))], ..Batch::default() });
        assert_eq!(store.contacts.len(), 1);
        assert!(!store.contacts.contains_key(&deleted.id));
    }

    #[test]
    fn missing_contact_is_not_found() {
        let mut store = FakeStore::new();
        let missing = ContactId::new(&*store.clock);
        assert!(matches!(delete(&mut store, missing), Err(DeleteContactError::NotFound)));
    }
}
