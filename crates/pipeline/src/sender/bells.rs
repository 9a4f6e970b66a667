use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flows::SendBell;
use kernel::ids::AccountId;
use tokio::sync::Notify;

use crate::failpoint;

/// Wakes senders of this process when something is to be sent. A lost ring costs a moment: senders look for due sends themselves.
#[derive(Debug, Default)]
pub struct NumberBells {
    leased: Mutex<HashMap<AccountId, Arc<Notify>>>,
    unleased: Notify,
}

impl NumberBells {
    /// The bell of a number that is leased from now on.
    pub(super) fn of(&self, account: AccountId) -> Arc<Notify> {
        Arc::clone(self.leased().entry(account).or_default())
    }

    /// The number is no longer leased.
    pub(super) fn forget(&self, account: AccountId) {
        self.leased().remove(&account);
    }

    /// Waits for something to send for a number that is not leased.
    pub(super) async fn unleased(&self) {
        self.unleased.notified().await;
    }

    fn leased(&self) -> MutexGuard<'_, HashMap<AccountId, Arc<Notify>>> {
        self.leased.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SendBell for NumberBells {
    fn ring(&self, account: AccountId) {
        failpoint::die_at("sender.rung");
        match self.leased().get(&account) {
            Some(bell) => bell.notify_one(),
            None => self.unleased.notify_one(),
        }
    }
}
