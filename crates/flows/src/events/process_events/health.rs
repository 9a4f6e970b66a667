use std::collections::HashMap;

use channels::{AccountHealthRepo, AccountHealthUpdate};
use chrono::{DateTime, Utc};
use inbound::UnfinishedEvent;
use kernel::StoreError;
use kernel::ids::AccountId;

/// Disconnected accounts that got an event of their number, and when the last one was received.
pub(super) type DeliveringAccounts = HashMap<AccountId, DateTime<Utc>>;

/// Notes an event of a number whose account Meta has disconnected.
pub(super) fn note_delivery(accounts: &mut DeliveringAccounts, event: &UnfinishedEvent) {
    if let Some(account) = event.account.filter(|_| event.of_disconnected_account && event.kind.is_of_number()) {
        let last = accounts.entry(account).or_insert(event.received_at);
        *last = event.received_at.max(*last);
    }
}

/// Connects accounts again that Meta's reports disconnected, although Meta goes on delivering.
pub(super) async fn restore_accounts(
    repo: &mut dyn AccountHealthRepo,
    accounts: &DeliveringAccounts,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if accounts.is_empty() {
        return Ok(());
    }
    let received: Vec<(AccountId, DateTime<Utc>)> = accounts.iter().map(|(account, at)| (*account, *at)).collect();
    repo.restore_delivering_accounts(&received, now).await
}

/// Records Meta's reports about accounts in the order of their times, so that the latest on each topic counts.
pub(super) async fn record(
    repo: &mut dyn AccountHealthRepo,
    mut updates: Vec<AccountHealthUpdate>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    updates.sort_by_key(|update| update.reported_at);
    for update in updates {
        repo.record_health(&update, now).await?;
    }
    Ok(())
}
