use flows::AcceptError;
use inbound::{IncomingEvent, StoredEvent};
use tokio::sync::oneshot;

/// A delivery whose request waits for the result.
#[derive(Debug)]
pub(super) struct PendingDelivery {
    pub(super) events: Vec<IncomingEvent>,
    pub(super) result: oneshot::Sender<StoreResult>,
}

pub(super) type StoreResult = Result<Vec<StoredEvent>, AcceptError>;
