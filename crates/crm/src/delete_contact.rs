use kernel::ids::ContactId;
use kernel::{Clock, CrmWrite, Permit, StoreError};

use crate::ContactTx;

/// A deleted contact, and how much was deleted with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletedContact {
    /// Differs from the id of the request if that contact was merged into this one.
    pub id: ContactId,
    pub conversations: u64,
    pub messages: u64,
}

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
