use chrono::{DateTime, Utc};
use kernel::ids::AccountId;

use crate::{ErrorClass, PauseScope, PausedSends};

/// Why something of an account does not leave. An explicit error of Meta's starts a pause, never silence; its time, a successful
/// check, or a person ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendingPause {
    pub account: AccountId,
    pub scope: PauseScope,
    /// A pair's or recipient's address, a conversation's id, a template's name and language; empty for the whole account.
    pub subject: String,
    pub sends: PausedSends,
    pub code: Option<i64>,
    pub class: ErrorClass,
    pub reason: String,
    pub advice: String,
    pub started_at: DateTime<Utc>,
    /// `None`: until a check or a person ends it.
    pub until: Option<DateTime<Utc>>,
}

impl SendingPause {
    /// Whether it is about all that the account sends.
    #[must_use]
    pub const fn is_of_account(&self) -> bool {
        matches!(self.scope, PauseScope::Number | PauseScope::BusinessAccount | PauseScope::Token)
    }

    /// Whether nothing leaves.
    #[must_use]
    pub const fn stops_account(&self) -> bool {
        self.is_of_account() && matches!(self.sends, PausedSends::All)
    }
}
