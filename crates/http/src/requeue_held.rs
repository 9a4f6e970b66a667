use std::sync::Arc;

use flows::requeue_waiting_events;
use kernel::error_chain;
use tracing::{info, warn};

use crate::state::State;

/// The relay's sweep takes the rest.
const AT_ONCE: i64 = 1_000;

/// Requeues in the background the events that were held until a number was connected or a tenant reactivated. If it
/// fails, the relay's sweep does it later.
pub(crate) fn requeue_held(state: &State) {
    let (database, clock) = (Arc::clone(&state.database), Arc::clone(&state.clock));
    let wake_relay = Arc::clone(&state.wake_relay);
    drop(state.background.spawn(async move {
        match requeue_waiting_events(&*database, AT_ONCE, &*clock).await {
            Ok(0) => {}
            Ok(events) => {
                info!(events, "requeued held events");
                wake_relay.notify_one();
            }
            Err(error) => warn!(error = error_chain(&error), "requeueing held events failed; the sweep retries"),
        }
    }));
}
