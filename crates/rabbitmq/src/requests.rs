//! Requests to the broker: how long they may take, and how long to wait before the next attempt.

use std::time::Duration;

use backon::ExponentialBuilder;
use lapin::Channel;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use tokio::time::timeout;

use crate::error::{BrokerError, RESPONSE_TIMEOUT};

/// The longest delay between attempts to connect.
pub(crate) const MAX_DELAY: Duration = Duration::from_secs(30);
/// Delays between attempts to connect: doubled each time.
pub(crate) const DELAYS: ExponentialBuilder =
    ExponentialBuilder::new().with_min_delay(Duration::from_millis(500)).with_max_delay(MAX_DELAY).without_max_times();

/// lapin has no timeout of its own.
pub(crate) async fn with_timeout<T>(work: impl Future<Output = Result<T, BrokerError>>) -> Result<T, BrokerError> {
    timeout(RESPONSE_TIMEOUT, work).await.unwrap_or(Err(BrokerError::TimedOut))
}

/// Message and consumer counts of a queue. If the queue does not exist, the broker closes the channel.
pub(crate) async fn inspect_queue(channel: &Channel, queue: &str) -> Result<lapin::Queue, BrokerError> {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    Ok(channel.queue_declare(queue.into(), passive, FieldTable::default()).await?)
}
