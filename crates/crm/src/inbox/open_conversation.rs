use kernel::ids::{AccountId, ContactId, ConversationId};

/// A conversation of an account and a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenConversation {
    pub id: ConversationId,
    pub account: AccountId,
    pub contact: ContactId,
}
