//! The process that runs a job is killed.

use crate::kit::fault_setup::{FaultSetup, RECOVERY_LIMIT};
use crate::kit::wait;

/// A job about nothing: its handler finds that there is nothing to do, and the job ends.
const DUE: &str = "INSERT INTO jobs (tenant_id, id, kind, subject, due_at, created_at)
    SELECT id, gen_random_uuid(), 'account_check', id::text, now(), now() FROM tenants LIMIT 1";

async fn die_at(setup: &FaultSetup, place: &str) {
    let armed = [("FAILPOINTS", format!("{place}=return"))];
    let armed = armed.each_ref().map(|(name, value)| (*name, value.as_str()));
    let process = setup.deployment.spawn("scheduler", &armed).await;
    assert!(!process.exit().await.success(), "{place}");
}

/// I3: another process runs the job when the lease has ended.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn job_of_a_killed_process_is_run_by_another() {
    let setup = FaultSetup::new().await;
    for place in ["job.started", "job.before_outcome"] {
        setup.execute(DUE).await;
        die_at(&setup, place).await;
        assert_eq!(setup.count("SELECT count(*) FROM jobs WHERE starts = 1 AND holder IS NOT NULL").await, 1);
        let process = setup.serve_as("scheduler").await;
        wait::within(RECOVERY_LIMIT, "the job to be done", async || {
            (setup.count("SELECT count(*) FROM jobs").await == 0).then_some(())
        })
        .await;
        process.signal("TERM");
        assert!(process.exit().await.success());
    }
    setup.shut_down([]).await;
}

/// I5: a job that kills its processes becomes a dead letter.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn job_that_kills_its_processes_is_dead_lettered() {
    let setup = FaultSetup::new().await;
    setup.execute(DUE).await;
    for _ in 0..3 {
        die_at(&setup, "job.started").await;
        // Instead of waiting for the end of the lease.
        setup.execute("UPDATE jobs SET leased_until = now()").await;
    }
    let process = setup.serve_as("scheduler").await;
    wait::within(RECOVERY_LIMIT, "the job to be a dead letter", async || {
        let dead = "SELECT count(*) FROM jobs WHERE state = 'dead' AND error_class = 'poison' AND starts = 3";
        (setup.count(dead).await == 1).then_some(())
    })
    .await;
    setup.shut_down([process]).await;
}
