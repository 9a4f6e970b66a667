use kernel::Change;

use crate::{Throughput, TwoStepPin, VerifiedToken, WhatsAppAccount};

/// A change of an account's names, settings and secrets.
#[derive(Clone, Debug, Default)]
pub struct AccountPatch {
    pub name: Change<String>,
    pub display_phone_number: Change<String>,
    pub throughput: Option<Throughput>,
    pub send_read_receipts: Option<bool>,
    pub access_token: Change<VerifiedToken>,
    pub two_step_pin: Change<TwoStepPin>,
}

impl AccountPatch {
    /// The account with the changed names and settings. Secrets are not part of it.
    #[must_use]
    pub(crate) fn apply(&self, account: WhatsAppAccount) -> WhatsAppAccount {
        WhatsAppAccount {
            name: self.name.clone().of(account.name),
            display_phone_number: self.display_phone_number.clone().of(account.display_phone_number),
            throughput: self.throughput.unwrap_or(account.throughput),
            send_read_receipts: self.send_read_receipts.unwrap_or(account.send_read_receipts),
            ..account
        }
    }
}
