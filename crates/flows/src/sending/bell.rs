use kernel::ids::AccountId;

/// Tells senders that something is to be sent for a number. Called after the commit.
pub trait SendBell: Send + Sync {
    fn ring(&self, account: AccountId);
}
