use std::sync::Arc;

use kernel::error_chain;
use tracing::{info, warn};

use crate::state::State;

/// The relay's sweep takes the rest.
const AT_ONCE: i64 = 1_000;

/// Requeues events in the background, after a number was connected (unroutable events) or a tenant reactivated (held events). If
/// it fails, the relay's sweep does it later.
pub(crate) fn requeue_held_and_unroutable(state: &State) {
    let (database, clock) = (Arc::clone(&state.database), Arc::clone(&state.clock));
    let wake_relay = Arc::clone(&state.wake_relay);
    drop(state.background.spawn(async move {
        match flows::requeue_held_and_unroutable(&*database, AT_ONCE, &*clock).await {
            Ok(0) => {}
            Ok(events) => {
                info!(events, "held and unroutable events requeued");
                wake_relay.notify_one();
            }
            Err(error) => {
                warn!(error = error_chain(&error), "requeueing held and unroutable events failed; the sweep retries");
            }
        }
    }));
}
