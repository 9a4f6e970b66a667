//! Conversations.

use serde::Deserialize;

use super::{Resource, Versioned};

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Conversation {
    pub(crate) id: String,
    pub(crate) account_id: String,
    pub(crate) contact_id: String,
    pub(crate) contact: ConversationContact,
    pub(crate) status: String,
    pub(crate) closed_reason: Option<String>,
    pub(crate) previous_conversation_id: Option<String>,
    pub(crate) assignee_id: Option<String>,
    pub(crate) unread_count: u32,
    pub(crate) last_message_at: String,
    pub(crate) last_activity_at: String,
    pub(crate) last_message_preview: String,
    pub(crate) service_window_ends_at: Option<String>,
    pub(crate) read_only: bool,
    pub(crate) version: i64,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct ConversationContact {
    pub(crate) display_name: String,
    pub(crate) title: String,
}

impl Conversation {
    /// The path of its messages.
    pub(crate) fn messages_path(&self) -> String {
        format!("{}/messages", self.path())
    }

    /// The path of the conversation before it, which must exist.
    #[track_caller]
    pub(crate) fn previous_path(&self) -> String {
        format!("{}/{}", Self::LIST, self.previous_conversation_id.as_deref().expect("there was one before"))
    }

    /// The end of the service window, which must exist.
    #[track_caller]
    pub(crate) fn window_end(&self) -> &str {
        self.service_window_ends_at.as_deref().expect("the window has been open")
    }
}

impl Resource for Conversation {
    const LIST: &'static str = "/crm/conversations";

    fn segment(&self) -> &str {
        &self.id
    }
}

impl Versioned for Conversation {
    fn version(&self) -> i64 {
        self.version
    }
}
