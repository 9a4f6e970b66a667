use crm::{Conversation, ConversationPatch, ConversationTx};
use iam::UserStatus;
use kernel::ids::{ConversationId, UserId};
use kernel::{Change, Clock, CrmRead, CrmWrite, Grant as _, Permit, StoreError};

use crate::AuthorityTx;

/// What [`change_conversation`] needs.
pub trait ChangeConversationTx: ConversationTx + AuthorityTx {}

impl<T: ConversationTx + AuthorityTx + ?Sized> ChangeConversationTx for T {}

#[derive(Debug, thiserror::Error)]
pub enum ChangeConversationError {
    /// The assignee is not an active user of the tenant with permission to read conversations.
    #[error("the assignee cannot see conversations")]
    UnfitAssignee,
    #[error(transparent)]
    Conversation(#[from] crm::ChangeConversationError),
}

/// Changes a conversation. Only an active user with permission to read conversations can become its assignee. An assignee who
/// is suspended or loses the permission later stays assigned, so that their conversations are not forgotten; deleting the user
/// unassigns them.
///
/// # Errors
/// [`ChangeConversationError`].
pub async fn change_conversation(
    permit: Permit<CrmWrite>,
    tx: &mut dyn ChangeConversationTx,
    id: ConversationId,
    patch: ConversationPatch,
    clock: &dyn Clock,
) -> Result<Conversation, ChangeConversationError> {
    if let Change::Set(assignee) = patch.assignee {
        // Locks the tenant first, so that the assignee's permissions cannot change between check and commit.
        tx.lock_tenant().await?;
        let is_there = tx.conversation(id).await?.is_some();
        if is_there && !may_read(tx, assignee).await? {
            return Err(ChangeConversationError::UnfitAssignee);
        }
    }
    Ok(crm::change_conversation(permit, tx, id, patch, clock).await?)
}

async fn may_read(tx: &mut dyn AuthorityTx, user: UserId) -> Result<bool, StoreError> {
    let active = tx.user(user).await?.is_some_and(|user| user.status == UserStatus::Active);
    Ok(active && tx.permissions(user).await?.contains(CrmRead::PERMISSION))
}

impl From<StoreError> for ChangeConversationError {
    fn from(error: StoreError) -> Self {
        Self::Conversation(error.into())
    }
}
