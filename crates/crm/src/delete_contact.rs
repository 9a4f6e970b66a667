use kernel::ids::ContactId;
use kernel::{Clock, CrmWrite, Permit, StoreError};

use crate::ContactTx;

/// What went with a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletedContact {
    /// Not that of the request, if that one was merged into it.
    pub id: ContactId,
    pub conversations: u64,
    pub messages: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum DeleteContactError {
    #[error("there is no such contact")]
    NotFound,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Deletes a contact and everything that was ever said with them: identities, conversations, messages and what became of
/// them, interactions. What they said until now does not come back, whoever tells it again and however late: only a hash of
/// what they were known by stays, to know it by. Whoever writes from one of their numbers later is a new contact.
///
/// # Errors
/// [`DeleteContactError`].
pub async fn delete_contact(
    _permit: Permit<CrmWrite>,
    repo: &mut dyn ContactTx,
    id: ContactId,
    clock: &dyn Clock,
) -> Result<DeletedContact, DeleteContactError> {
    repo.stop_recording().await?;
    let contact = repo.lock_contact(id).await?.ok_or(DeleteContactError::NotFound)?;
    Ok(repo.erase_contact(contact.id, clock.now()).await?)
}
