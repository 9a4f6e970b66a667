//! Search results.

use serde::Deserialize;

use super::Contact;

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Hits {
    pub(crate) data: Vec<Hit>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Hit {
    Contact { by: String, contact: Contact },
    Message { message: FoundMessage },
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct FoundMessage {
    pub(crate) id: String,
    pub(crate) conversation_id: Option<String>,
    pub(crate) contact_id: String,
    pub(crate) contact_display_name: String,
    pub(crate) title: String,
    pub(crate) direction: String,
    pub(crate) text: String,
    pub(crate) provider_timestamp: String,
}

impl Hit {
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Contact { .. } => "contact",
            Self::Message { .. } => "message",
        }
    }

    #[track_caller]
    pub(crate) fn contact(&self) -> &Contact {
        let Self::Contact { contact, .. } = self else { panic!("no contact: {self:?}") };
        contact
    }

    #[track_caller]
    pub(crate) fn message(&self) -> &FoundMessage {
        let Self::Message { message } = self else { panic!("no message: {self:?}") };
        message
    }
}
