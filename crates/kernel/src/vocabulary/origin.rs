use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// Where a message came from.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Origin {
    /// Delivered by a webhook when it was sent.
    #[default]
    Live,
    /// Sent by the business from the WhatsApp app on a phone.
    NativeApp,
    /// Imported: from before the number was connected.
    History,
    /// From a thread that another party, such as Meta's own agent, answers.
    Standby,
    /// Sent by Parley.
    Api,
}

impl Origin {
    /// Of several tellings of one message, the one of the highest rank says what it is.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::History => 0,
            Self::Standby => 1,
            Self::NativeApp => 2,
            Self::Live => 3,
            Self::Api => 4,
        }
    }
}
