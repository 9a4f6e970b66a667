use std::collections::HashMap;

use billing::{MeteredMessage, SentMessage, SentUsageRepo, UsageRepo};
use chrono::{DateTime, Utc};
use crm::inbox::{AcceptedMessage, CustomerMessage, MessageKey};
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

/// Counts messages that Meta has accepted, on the day on which that became known.
pub(super) async fn count_sent_messages(
    repo: &mut dyn SentUsageRepo,
    accepted: &[AcceptedMessage],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sent = accepted
        .iter()
        .filter(|message| message.is_new)
        .filter_map(|message| Some(SentMessage { day: now.date_naive(), category: message.category? }));
    let sent: Vec<SentMessage> = sent.collect();
    if sent.is_empty() { Ok(()) } else { repo.count_sent_messages(&sent).await }
}
