use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// Where the bytes of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum MediaState {
    /// At Meta; they are fetched.
    Waiting,
    /// Here, complete and checked.
    Stored,
    /// They were not fetched before Meta deleted them.
    Expired,
    /// They are not what Meta said, or larger than what is fetched: they are not kept.
    Refused,
    /// Meta does not have them any more, or never had.
    Gone,
}

impl MediaState {
    pub const ALL: &[Self] = Self::VARIANTS;

    /// Whether people may have it fetched again.
    #[must_use]
    pub const fn can_be_retried(self) -> bool {
        !matches!(self, Self::Stored)
    }
}
