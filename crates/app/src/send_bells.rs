use std::sync::Arc;

use flows::SendBell;
use kernel::ids::AccountId;
use pipeline::NumberBells;
use rabbitmq::BellRinger;

/// The kind of work that the bells are of.
pub(crate) const SENDS: &str = "sends";

/// Rings for the senders of this process, and for those of all others.
#[derive(Debug)]
pub(crate) struct SendBells {
    pub(crate) here: Arc<NumberBells>,
    pub(crate) elsewhere: BellRinger,
}

impl SendBell for SendBells {
    fn ring(&self, account: AccountId) {
        self.here.ring(account);
        self.elsewhere.ring(account.to_string());
    }
}
