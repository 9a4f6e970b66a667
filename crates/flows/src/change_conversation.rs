use crm::{Conversation, ConversationPatch, ConversationRepo};
use iam::{TenantRepo, UserRepo, UserStatus};
use kernel::ids::{ConversationId, UserId};
use kernel::{Change, Clock, CrmRead, CrmWrite, Grant as _, Permit, StoreError};
use rbac::MembershipRepo;

use crate::TenantTx;

#[derive(Debug, thiserror::Error)]
pub enum ChangeConversationError {
    /// The assignee is no active user of the tenant who may read conversations.
    #[error("the assignee cannot see conversations")]
    UnfitAssignee,
    #[error(transparent)]
    Conversation(#[from] crm::ChangeConversationError),
}

/// Changes a conversation. Only an active user who may read conversations can become its assignee. Who is suspended later, or
/// may not read them any more, stays it until somebody else is named, so that nothing that is theirs is forgotten; who is
/// deleted does not.
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
        // The tenant is locked first, so that nobody's rights change between being read and being relied on.
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
