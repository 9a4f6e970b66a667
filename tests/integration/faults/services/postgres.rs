//! Postgres stops, is killed, or is slow.

use std::process::Command;
use std::time::Duration;

use diesel_async::{RunQueryDsl, SimpleAsyncConnection};

use crate::kit::fault_setup::FaultSetup;
use crate::kit::{service_control, wait};

/// Keeps transactions open for a while, so that a stop interrupts them.
const SLOW_TO_COMMIT: &str = "worker.before_commit=50%sleep(100)";

/// Makes the database unavailable under load, then restores it.
async fn goes_away(how: &str) {
    let mut setup = FaultSetup::new().await;
    let server = setup.serve_armed("api,relay,worker", SLOW_TO_COMMIT).await;
    setup.send_to(&[&server]);
    let flow = setup.sender.flow(50);
    setup.sender.wait_for_more(100).await;
    service_control::run(&format!("postgres {how}")).await;
    wait::until("deliveries to be answered 503", async || (setup.sender.journal().retry_later > 10).then_some(()))
        .await;
    assert_ne!(server.client.get("/readyz").await.status, 200);
    service_control::run("postgres start").await;

    setup.sender.wait_for_more(100).await;
    flow.stop().await;
    setup.settle(0).await;
    assert_eq!(setup.events("attempts > 0").await, 0, "no event counts a failed attempt");
    setup.shut_down([server]).await;
}

/// I1, I2, I3, I5: an immediate shutdown interrupts transactions.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn postgres_stop_during_transaction_loses_nothing() {
    goes_away("stop").await;
}

/// I1, I2, I3, I5: the postmaster is killed, and its backends with it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn postgres_kill_during_transaction_loses_nothing() {
    goes_away("kill").await;
}

#[derive(diesel::QueryableByName)]
struct Process {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    pid: i32,
}

/// I1, I3, I5: all backends are suspended for some seconds, twice, and tables are locked in between.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn slow_postgres_loses_nothing() {
    let mut setup = FaultSetup::new().await;
    let server = setup.serve_as("api,relay,worker").await;
    setup.send_to(&[&server]);
    let flow = setup.sender.flow(50);
    for _ in 0..2 {
        setup.sender.wait_for_more(50).await;
        let ours = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename LIKE 'parley%'";
        let mut admin = setup.deployment.database.admin().await;
        let processes: Vec<Process> = diesel::sql_query(ours).load(&mut admin).await.unwrap();
        let signal = |name: &str| {
            let pids = processes.iter().map(|process| process.pid.to_string());
            // A backend may have exited by itself.
            let _ = Command::new("kill").arg(format!("-{name}")).args(pids).status().unwrap();
        };
        // Each pause lasts for a few seconds' deliveries, less than any timeout.
        signal("STOP");
        // Some are answered: the intake opens another connection while a batch is slow.
        setup.sender.wait_for_sent(200).await;
        signal("CONT");
        let lock = "BEGIN; LOCK TABLE webhook_events, messages IN ACCESS EXCLUSIVE MODE";
        admin.batch_execute(lock).await.unwrap();
        setup.sender.wait_for_unanswered(150).await;
        admin.batch_execute("COMMIT").await.unwrap();
    }
    setup.sender.wait_for_more(50).await;
    flow.stop().await;
    setup.settle(0).await;
    assert_eq!(setup.events("attempts > 0").await, 0, "no event counts a failed attempt");
    setup.shut_down([server]).await;
}

/// I3: a process that starts before its database waits for it, logs that, and needs no restart.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn start_waits_for_postgres() {
    let mut setup = FaultSetup::new().await;
    service_control::run("postgres stop").await;
    let address = crate::kit::deployment::steady_address().to_string();
    let mut server = setup.deployment.spawn("api,relay,worker", &[("PARLEY_HTTP_LISTEN", &address)]).await;
    setup.sender = setup.sender.to(&[crate::kit::client::Client::new(format!("http://{address}"))]);
    let body = setup.sender.delivery(1);
    wait::within(Duration::from_secs(30), "the process to report that it waits", async || {
        assert!(!setup.sender.post(0, &body).await);
        (setup.sender.journal().retry_later > 0).then_some(())
    })
    .await;
    assert!(!server.has_ended());
    service_control::run("postgres start").await;
    setup.sender.deliver(0, body).await;
    setup.settle(0).await;
    setup.shut_down([server]).await;
}
