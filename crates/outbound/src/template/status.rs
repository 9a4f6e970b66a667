use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// What Meta says of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum TemplateStatus {
    Approved,
    /// Under review.
    Pending,
    Rejected,
    /// Stopped for hours, because customers have blocked or reported it.
    Paused,
    Disabled,
    /// Usable, but about to be disabled because of its quality.
    Flagged,
    InAppeal,
    PendingDeletion,
    Deleted,
    /// The business account has as many templates as it may.
    LimitExceeded,
    Archived,
    Locked,
    /// A word that this version does not know.
    Other,
}

impl TemplateStatus {
    /// Meta's word, in a list or in an event.
    #[must_use]
    pub fn of_meta(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "reinstated" => Self::Approved,
            word => word.parse().unwrap_or(Self::Other),
        }
    }

    /// Whether Meta sends such a template.
    #[must_use]
    pub const fn is_usable(self) -> bool {
        matches!(self.usability(), Usability::Now)
    }

    #[must_use]
    pub const fn usability(self) -> Usability {
        match self {
            Self::Approved | Self::Flagged => Usability::Now,
            Self::Pending | Self::Paused | Self::InAppeal => Usability::Later,
            Self::Rejected
            | Self::Disabled
            | Self::PendingDeletion
            | Self::Deleted
            | Self::LimitExceeded
            | Self::Archived
            | Self::Locked => Usability::Never,
            Self::Other => Usability::Unknown,
        }
    }

    /// The texts of all with this usability.
    #[must_use]
    pub fn with_usability(usability: Usability) -> Vec<&'static str> {
        Self::VARIANTS.iter().filter(|status| status.usability() == usability).map(Self::into_str).collect()
    }

    /// Whether Meta lets such a template be edited.
    #[must_use]
    pub const fn is_editable(self) -> bool {
        matches!(self, Self::Approved | Self::Rejected | Self::Paused)
    }
}

/// Whether messages with a template can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usability {
    Now,
    /// Not while it is reviewed, or stopped for hours.
    Later,
    Never,
    Unknown,
}

/// What a template is for. It decides the price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum TemplateCategory {
    Marketing,
    Utility,
    Authentication,
    /// A word that this version does not know.
    Other,
}

impl TemplateCategory {
    #[must_use]
    pub fn of_meta(word: &str) -> Self {
        word.to_ascii_lowercase().parse().unwrap_or(Self::Other)
    }
}

/// What customers think of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum TemplateQuality {
    Green,
    Yellow,
    Red,
    /// Too few messages to say, or a word that this version does not know.
    Unknown,
}

impl TemplateQuality {
    #[must_use]
    pub fn of_meta(word: &str) -> Self {
        word.to_ascii_lowercase().parse().unwrap_or(Self::Unknown)
    }
}

/// How the gaps of a template are named.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum ParameterFormat {
    /// `{{1}}`, `{{2}}`.
    #[default]
    Positional,
    /// `{{first_name}}`.
    Named,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_meta_are_known_in_any_case() {
        assert_eq!(TemplateStatus::of_meta("APPROVED"), TemplateStatus::Approved);
        assert_eq!(TemplateStatus::of_meta("REINSTATED"), TemplateStatus::Approved);
        assert_eq!(TemplateStatus::of_meta("PENDING_DELETION"), TemplateStatus::PendingDeletion);
        assert_eq!(TemplateStatus::of_meta("IN_APPEAL"), TemplateStatus::InAppeal);
        assert_eq!(TemplateStatus::of_meta("UNARCHIVED"), TemplateStatus::Other);
        assert_eq!(TemplateCategory::of_meta("UTILITY"), TemplateCategory::Utility);
        assert_eq!(TemplateCategory::of_meta("OTP"), TemplateCategory::Other);
        assert_eq!(TemplateQuality::of_meta("GREEN"), TemplateQuality::Green);
    }

    #[test]
    fn only_approved_and_flagged_are_usable() {
        let usable: Vec<_> = TemplateStatus::VARIANTS.iter().filter(|status| status.is_usable()).collect();
        assert_eq!(usable, [&TemplateStatus::Approved, &TemplateStatus::Flagged]);
    }
}
