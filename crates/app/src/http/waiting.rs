use std::sync::Arc;

use flows::adopt_waiting;
use kernel::error_chain;
use tracing::{info, warn};

use crate::http::State;

/// The sweep takes what is beyond this.
const AT_ONCE: i64 = 1_000;

/// Drives at once what waited for a number to be connected, or for a tenant to be active again. Nobody waits for that: should
/// it fail, the relay's sweep does it.
pub(crate) fn drive_waiting(state: &State) {
    let (database, clock) = (Arc::clone(&state.identity.database), Arc::clone(&state.identity.clock));
    let nudge = Arc::clone(&state.nudge);
    drop(state.background.spawn(async move {
        match adopt_waiting(&*database, AT_ONCE, &*clock).await {
            Ok(0) => {}
            Ok(events) => {
                info!(events, "events that waited are driven again");
                nudge.notify_one();
            }
            Err(error) => warn!(error = error_chain(&error), "events that may be driven again wait for the sweep"),
        }
    }));
}
