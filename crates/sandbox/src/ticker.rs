//! Lets scheduled events happen at their time.

use std::sync::Arc;
use std::time::Duration;

use crate::shared::Shared;

/// Lets events happen when they are due. Does not end.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        let now = shared.clock.now_ms();
        let (due, next) = shared.schedule.take_due(now);
        if !due.is_empty() {
            shared.happen(due);
            continue;
        }
        let wait = next.map_or(Duration::from_hours(1), |at| {
            Duration::from_millis(u64::try_from(at.saturating_sub(now)).unwrap_or(0)).min(Duration::from_hours(1))
        });
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shared.schedule.changed() => {}
        }
    }
}
