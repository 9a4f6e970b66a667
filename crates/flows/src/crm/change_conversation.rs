use crm::{Conversation, ConversationPatch, ConversationRepo};
use iam::{TenantRepo, UserRepo, UserStatus};
use kernel::ids::{ConversationId, UserId};
use kernel::{Change, Clock, CrmRead, CrmWrite, Grant as _, Permit, StoreError};
use rbac::MembershipRepo;

use crate::TenantTx;

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
    tx: &mut dyn TenantTx,
    id: ConversationId,
    patch: ConversationPatch,
    clock: &dyn Clock,
) -> Result<Conversation, ChangeConversationError> {
    if let Change::Set(assignee) = patch.assignee {
        // Locks the tenant first, so that the assignee's permissions cannot change between check and commit.
        TenantRepo::lock_tenant(tx).await?;
        let is_there = ConversationRepo::conversation(tx, id).await?.is_some();
        if is_there && !may_read(tx, assignee).await? {
            return Err(ChangeConversationError::UnfitAssignee);
        }
    }
    Ok(crm::change_conversation(permit, tx, id, patch, clock).await?)
}

async fn may_read(tx: &mut dyn TenantTx, user: UserId) -> Result<bool, StoreError> {
    let active = UserRepo::user(tx, user).await?.is_some_and(|user| user.status == UserStatus::Active);
    Ok(active && MembershipRepo::permissions(tx, user).await?.contains(CrmRead::PERMISSION))
}

impl From<StoreError> for ChangeConversationError {
    fn from(error: StoreError) -> Self {
        Self::Conversation(error.into())
    }
}
