use chrono::{DateTime, TimeDelta, Utc};
use kernel::ids::AccountId;

use crate::{ErrorClass, PauseEnd, PauseScope, PausedSends, Verdict};

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
    /// The pause of an account as a whole that follows from an error, if one does.
    #[must_use]
    pub fn of_account(
        verdict: &Verdict,
        account: AccountId,
        code: Option<i64>,
        started_at: DateTime<Utc>,
    ) -> Option<Self> {
        let pause = verdict.pause?;
        let until = match pause.end {
            PauseEnd::Lifted => None,
            PauseEnd::After(back_off) => {
                let wait = TimeDelta::from_std(back_off.wait(0, None)).unwrap_or(TimeDelta::MAX);
                Some(started_at + wait)
            }
        };
        let pause = Self {
            account,
            scope: pause.scope,
            subject: String::new(),
            sends: pause.sends,
            code,
            class: verdict.class,
            reason: verdict.title.to_owned(),
            advice: verdict.advice.to_owned(),
            started_at,
            until,
        };
        pause.is_of_account().then_some(pause)
    }

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
