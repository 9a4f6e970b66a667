use kernel::MessageCategory;
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::back_off::BackOff;

/// What an error stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    pub scope: PauseScope,
    pub sends: PausedSends,
    pub end: PauseEnd,
}

/// What is paused. The texts are in the API, the database and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum PauseScope {
    /// What one number sends to one customer.
    Pair,
    /// What the tenant sends to a customer.
    Recipient,
    Conversation,
    /// One template of a business account.
    Template,
    /// A WhatsApp number.
    Number,
    /// All numbers of a business account.
    BusinessAccount,
    /// All numbers that are called with an access token.
    Token,
}

impl PauseScope {
    pub const ALL: &'static [Self] = Self::VARIANTS;
}

/// Which messages wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum PausedSends {
    All,
    /// All but templates.
    FreeForm,
    /// Those outside a service window.
    Initiated,
    /// Those that Meta charges for.
    Paid,
    /// Utility templates and messages without a template outside the window.
    Utility,
    Marketing,
}

impl PausedSends {
    /// Whether a pause of these stops a send.
    #[must_use]
    pub fn stops(self, is_free_form: bool, category: Option<MessageCategory>, is_within_window: bool) -> bool {
        match self {
            Self::All => true,
            Self::FreeForm => is_free_form,
            Self::Initiated => !is_within_window,
            Self::Paid => !is_free_form,
            Self::Utility => category == Some(MessageCategory::Utility),
            Self::Marketing => category == Some(MessageCategory::Marketing),
        }
    }
}

/// When a pause ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseEnd {
    /// By itself.
    After(BackOff),
    /// When Meta says that all is well, or a person does.
    Lifted,
}

impl Pause {
    pub(super) const fn until_lifted(scope: PauseScope, sends: PausedSends) -> Self {
        Self { scope, sends, end: PauseEnd::Lifted }
    }

    pub(super) const fn for_a_while(scope: PauseScope, sends: PausedSends, back_off: BackOff) -> Self {
        Self { scope, sends, end: PauseEnd::After(back_off) }
    }
}
