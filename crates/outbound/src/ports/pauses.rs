use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::StoreError;
use kernel::ids::AccountId;

use crate::{PauseScope, SendingPause};

/// Which pauses of an account as a whole end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PausesToEnd {
    pub scopes: Vec<PauseScope>,
    /// Also those that would end by themselves.
    pub timed: bool,
    /// Those that began later stay: what ends the others was not known of them.
    pub started_until: DateTime<Utc>,
}

impl PausesToEnd {
    /// All of them: a person says that sending goes on.
    #[must_use]
    pub fn all(now: DateTime<Utc>) -> Self {
        let scopes = vec![PauseScope::Number, PauseScope::BusinessAccount, PauseScope::Token];
        Self { scopes, timed: true, started_until: now }
    }
}

/// Pauses of what the transaction's tenant sends.
#[async_trait]
pub trait PauseRepo: Send {
    /// Starts a pause, or makes it longer.
    async fn store_pause(&mut self, pause: &SendingPause) -> Result<(), StoreError>;
    /// Ends pauses of the account as a whole: what waited for their end is due. Returns how many there were.
    async fn end_pauses(
        &mut self,
        account: AccountId,
        which: &PausesToEnd,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError>;
}
