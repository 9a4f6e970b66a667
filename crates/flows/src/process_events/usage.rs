use std::collections::HashMap;

use billing::{MeteredMessage, UsageRepo};
use chrono::{DateTime, Utc};
use crm::inbox::{CustomerMessage, MessageKey};
use kernel::StoreError;

/// Counts the messages that customers wrote and that were not stored before, on the day that each came in. What is told again
/// is stored already, so it is in none of the batches and counted once.
pub(super) async fn meter(
    repo: &mut dyn UsageRepo,
    messages: &[CustomerMessage],
    received: &HashMap<MessageKey, DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if messages.is_empty() {
        return Ok(());
    }
    let metered = messages.iter().map(|message| MeteredMessage {
        day: received.get(&message.key).unwrap_or(&now).date_naive(),
        contact: message.contact,
    });
    repo.count_messages(&metered.collect::<Vec<_>>()).await
}
