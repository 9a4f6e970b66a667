use chrono::{DateTime, Utc};
use kernel::ids::AccountId;

use crate::PauseScope;

/// Why something of an account does not leave. An explicit error of Meta's starts a pause, never silence; its time, a successful
/// check, or a person ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    pub account: AccountId,
    pub scope: PauseScope,
    /// A pair's or recipient's address, a conversation's id, a template's name and language; empty for the whole account.
    pub subject: String,
    pub code: Option<i64>,
    pub class: String,
    pub reason: String,
    pub advice: String,
    /// How often it was paused in a row.
    pub repetition: i32,
    pub started_at: DateTime<Utc>,
    /// `None`: until a check or a person ends it.
    pub until: Option<DateTime<Utc>>,
}

impl Pause {
    #[must_use]
    pub fn is_active(&self, now: DateTime<Utc>) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Whether it holds all that the account sends.
    #[must_use]
    pub const fn is_of_account(&self) -> bool {
        matches!(self.scope, PauseScope::Number | PauseScope::BusinessAccount | PauseScope::Token)
    }
}
