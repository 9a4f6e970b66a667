use kernel::ids::{ConversationId, InteractionId, UserId};
use kernel::{Arrival, Change, Clock, CrmWrite, Permit, StoreError};

use crate::{Conversation, ConversationStatus, ConversationTx, Interaction, InteractionKind};

/// Names of database constraints that this domain turns into errors of its own.
pub mod constraint {
    /// At most one conversation of an account and a contact is not closed.
    pub const ONE_OPEN_CONVERSATION: &str = "conversations_one_open_key";
}

/// A user's changes to a conversation.
#[derive(Clone, Copy, Debug)]
pub struct ConversationPatch {
    /// The version that the user last read. Each message of the customer increases it, so that a user cannot close a
    /// conversation, or mark it as read, with messages they have not seen.
    pub version: i64,
    pub status: Option<ConversationStatus>,
    pub assignee: Change<UserId>,
    /// Sets the unread count to zero.
    pub read: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum ChangeConversationError {
    #[error("the conversation does not exist")]
    NotFound,
    /// The conversation has changed, or received a message, since the version of the patch.
    #[error("the conversation has changed since it was read")]
    VersionConflict,
    /// The account and the contact have another conversation that is not closed.
    #[error("another conversation of the account and the contact is open")]
    AnotherConversationOpen,
    #[error(transparent)]
    Store(StoreError),
}

/// Changes a conversation. Closing and reopening add an interaction to the contact's history. The version increases only if
/// a value changes. The caller checks that the assignee is an active user.
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
        return Err(ChangeConversationError::VersionConflict);
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
    let event = match (before.status == ConversationStatus::Closed, conversation.status == ConversationStatus::Closed) {
        (false, true) => Some((InteractionKind::ConversationClosed, "Conversation closed")),
        (true, false) => Some((InteractionKind::ConversationReopened, "Conversation opened again")),
        _ => None,
    };
    if let Some((kind, text)) = event {
        let now = clock.now();
        let interaction = Interaction {
            id: InteractionId::new(clock),
            contact: conversation.contact,
            kind,
            text: text.to_owned(),
            actor: Some(permit.actor()),
            message: None,
            about: None,
            source: None,
            occurred_at: now,
            arrival: Arrival::ZERO,
        };
        repo.insert_interactions(&[interaction], now).await?;
    }
    repo.conversation(id).await?.ok_or(ChangeConversationError::NotFound)
}

impl From<StoreError> for ChangeConversationError {
    fn from(error: StoreError) -> Self {
        if error.is_conflict_with(constraint::ONE_OPEN_CONVERSATION) {
            Self::AnotherConversationOpen
        } else {
            Self::Store(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeStore, at, message, run};
    use crate::inbox::Batch;

    fn patch(version: i64) -> ConversationPatch {
        ConversationPatch { version, status: None, assignee: Change::Keep, read: false }
    }

    fn change(
        store: &mut FakeStore,
        id: ConversationId,
        patch: ConversationPatch,
    ) -> Result<Conversation, ChangeConversationError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(change_conversation(permit, store, id, patch, &*clock))
    }

    /// A conversation with one unread message.
    fn conversation(store: &mut FakeStore) -> Conversation {
        store.record(Batch { messages: vec![message("m1", "15550100", at(1))], ..Batch::default() });
        store.conversations[0].clone()
    }

    #[test]
    fn closing_and_reopening_are_added_to_the_history() {
        let mut store = FakeStore::new();
        let before = conversation(&mut store);
        for (version, status) in [(2, ConversationStatus::Closed), (3, ConversationStatus::Open)] {
            change(&mut store, before.id, ConversationPatch { status: Some(status), ..patch(version) }).unwrap();
        }
        assert_eq!(store.history(), ["m1", "Conversation closed", "Conversation opened again"]);
    }

    #[test]
    fn pending_conversation_adds_nothing_to_the_history() {
        let mut store = FakeStore::new();
        let before = conversation(&mut store);
        let pending = ConversationPatch { status: Some(ConversationStatus::Pending), ..patch(2) };
        assert_eq!(change(&mut store, before.id, pending).unwrap().version, 3);
        assert_eq!(store.history(), ["m1"]);
    }

    #[test]
    fn reading_sets_the_unread_count_to_zero() {
        let mut store = FakeStore::new();
        let before = conversation(&mut store);
        assert_eq!(before.unread_count, 1);
        let after = change(&mut store, before.id, ConversationPatch { read: true, ..patch(2) }).unwrap();
        assert_eq!((after.unread_count, after.version), (0, 3));
        let again = change(&mut store, before.id, ConversationPatch { read: true, ..patch(3) }).unwrap();
        assert_eq!(again.version, 3);
    }

    #[test]
    fn message_after_the_users_read_is_a_version_conflict() {
        let mut store = FakeStore::new();
        let before = conversation(&mut store);
        store.record(Batch { messages: vec![message("m2", "15550100", at(2))], ..Batch::default() });
        let close = ConversationPatch { status: Some(ConversationStatus::Closed), ..patch(before.version) };
        let outcome = change(&mut store, before.id, close);
        assert!(matches!(outcome, Err(ChangeConversationError::VersionConflict)));
    }

    #[test]
    fn reopening_beside_an_open_conversation_is_rejected() {
        let mut store = FakeStore::new();
        let before = conversation(&mut store);
        change(&mut store, before.id, ConversationPatch { status: Some(ConversationStatus::Closed), ..patch(2) })
            .unwrap();
        store.record(Batch { messages: vec![message("m2", "15550100", at(2))], ..Batch::default() });
        assert_eq!(store.conversations.len(), 2);
        let reopen = ConversationPatch { status: Some(ConversationStatus::Open), ..patch(3) };
        let outcome = change(&mut store, before.id, reopen);
        assert!(matches!(outcome, Err(ChangeConversationError::AnotherConversationOpen)));
    }
}
