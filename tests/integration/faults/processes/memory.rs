//! Processes have less memory than what waits for them.

use std::time::Duration;

use crate::kit::fault_setup::FaultSetup;
use crate::kit::{backlog, wait};

/// A third of the bytes of the events. A container of the example deployment has twice as much.
const WORKER_MEMORY: u64 = 256 << 20;
const EVENTS: u32 = 200;
/// As large as a delivery may be. Such events were stored before items were bounded.
const EVENT_BYTES: u32 = 4_000_000;

/// I3: a worker reads no more payloads at a time than it has memory for.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn worker_with_little_memory_processes_200_large_events() {
    let mut setup = FaultSetup::new().await;
    backlog::insert(&setup.deployment.database, &setup.number, EVENTS, EVENT_BYTES).await;
    let relay = setup.serve_as("relay").await;
    setup.deployment.memory_limit = Some(WORKER_MEMORY);
    let mut worker = setup.serve_as("worker").await;
    wait::within(Duration::from_mins(3), "all events to be processed", async || {
        assert!(!worker.has_ended(), "the worker ran out of memory");
        (setup.events("status = 'processed'").await == i64::from(EVENTS)).then_some(())
    })
    .await;
    assert_eq!(setup.events("starts > 0 OR attempts > 0").await, 0);
    let longest = "SELECT max(length(text))::bigint AS count FROM messages";
    assert!(setup.count(longest).await < 10_000, "texts are cut");
    setup.shut_down([relay, worker]).await;
}
