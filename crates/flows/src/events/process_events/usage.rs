use std::collections::HashMap;

use billing::{MeteredMessage, UsageRepo};
use chrono::{DateTime, Utc};
use crm::inbox::{CustomerMessage, MessageKey};
use kernel::StoreError;

/// Counts new messages of customers for billing, on the day on which each was received. A message that is delivered again is
/// stored already and is not counted again.
pub(super) async fn count_messages(
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
