use kernel::ids::{ConversationId, InteractionId, UserId};
use kernel::{Change, Clock, CrmWrite, Permit, StoreError};

use crate::{Conversation, ConversationStatus, ConversationTx, Interaction, InteractionKind};

/// Names of the database's constraints that mean something to this domain.
pub mod constraint {
    /// At most one conversation of an account and a contact is not closed.
    pub const ONE_OPEN: &str = "conversations_one_open_key";
}

/// What a user changes about a conversation.
#[derive(Clone, Copy, Debug)]
pub struct ConversationPatch {
    /// As the user last saw the conversation. It rises with each message of the customer's, too: nobody closes, or marks as
    /// read, what they have not seen.
    pub version: i64,
    pub status: Option<ConversationStatus>,
    pub assignee: Change<UserId>,
    /// Nothing is unread any more.
    pub read: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum ChangeConversationError {
    #[error("there is no such conversation")]
    NotFound,
    /// Somebody has changed the conversation since, or the customer has written.
    #[error("the conversation was changed meanwhile")]
    Stale,
    /// The same account and contact have another one that is not closed.
    #[error("another conversation is open")]
    AnotherIsOpen,
    #[error(transparent)]
    Store(StoreError),
}

/// Changes a conversation; who may be its assignee is for the caller to check. Closing and opening it again is told in the
/// contact's history. The version rises only if something is different then.
///
/// # Errors
/// [`ChangeConversationError`].
pub async fn change_conversation(
    permit: Permit<CrmWrite>,
    repo: &mut dyn ConversationTx,
    id: ConversationId,
    patch: ConversationPatch,
    clock: &dyn Clock,
) -> Result<Conversation, ChangeConversationError> {
    let before = repo.lock_conversation(id).await?.ok_or(ChangeConversationError::NotFound)?;
    if before.version != patch.version {
        return Err(ChangeConversationError::Stale);
    }
    let conversation = Conversation {
        status: patch.status.unwrap_or(before.status),
        assignee: patch.assignee.of(before.assignee),
        unread_count: if patch.read { 0 } else { before.unread_count },
        ..before.clone()
    };
    let parts = |it: &Conversation| (it.status, it.assignee, it.unread_count);
    if parts(&conversation) == parts(&before) {
        return Ok(before);
    }
    let conversation = Conversation { version: before.version + 1, ..conversation };
    repo.update_conversation(&conversation).await?;
    let told = match (before.status == ConversationStatus::Closed, conversation.status == ConversationStatus::Closed) {
        (false, true) => Some((InteractionKind::ConversationClosed, "Conversation closed")),
        (true, false) => Some((InteractionKind::ConversationReopened, "Conversation opened again")),
        _ => None,
    };
    if let Some((kind, text)) = told {
        let now = clock.now();
        let interaction = Interaction {
            id: InteractionId::new(clock),
            contact: conversation.contact,
            kind,
            text: text.to_owned(),
            actor: Some(permit.user()),
            message: None,
            source: None,
            occurred_at: now,
        };
        repo.insert_interactions(&[interaction], now).await?;
    }
    repo.conversation(id).await?.ok_or(ChangeConversationError::NotFound)
}

impl From<StoreError> for ChangeConversationError {
    fn from(error: StoreError) -> Self {
        if error.is_conflict_with(constraint::ONE_OPEN) { Self::AnotherIsOpen } else { Self::Store(error) }
    }
}
