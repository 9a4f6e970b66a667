use chrono::{DateTime, Utc};
use kernel::Arrival;
use kernel::ids::AccountId;

/// Identifies a message: the account, and WhatsApp's id of the message.
pub type MessageKey = (AccountId, String);

/// When something happened, in the order that README.md describes.
pub type Moment = (DateTime<Utc>, Arrival);
