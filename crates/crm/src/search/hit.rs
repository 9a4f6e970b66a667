use chrono::{DateTime, Utc};
use kernel::Direction;
use kernel::ids::{ContactId, ConversationId, MessageId};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::Contact;

/// A result of a search.
#[derive(Clone, Debug)]
pub enum SearchHit {
    Contact(ContactHit),
    Message(MessageHit),
}

#[derive(Clone, Debug)]
pub struct ContactHit {
    pub contact: Contact,
    pub by: ContactMatch,
}

/// The field of a contact that matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum ContactMatch {
    Phone,
    Name,
    Username,
}

#[derive(Clone, Debug)]
pub struct MessageHit {
    pub id: MessageId,
    /// `None` for a message in a group.
    pub conversation: Option<ConversationId>,
    pub contact: ContactId,
    pub contact_display_name: String,
    /// Who the contact is; see [`title`](crate::title).
    pub contact_title: String,
    pub direction: Direction,
    pub text: String,
    pub provider_timestamp: DateTime<Utc>,
}
