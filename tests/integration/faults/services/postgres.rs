//! Postgres stops, dies, or is slow.

use std::process::Command;
use std::time::Duration;

use diesel_async::{RunQueryDsl, SimpleAsyncConnection};

use crate::kit::stage::Stage;
use crate::kit::{servers, wait};

/// Under load and with transactions that stay open for a while: whatever ends them does it in their middle.
const SLOW_TO_COMMIT: &str = "worker.before_commit=50%sleep(100)";

/// Takes the database away while there is work, and gives it back.
async fn goes_away(how: &str) {
    let mut stage = Stage::set().await;
    let server = stage.serve_armed("api,relay,worker", SLOW_TO_COMMIT).await;
    stage.send_to(&[&server]);
    let flow = stage.sender.flow(50);
    stage.sender.wait_for_more(100).await;
    servers::ask(&format!("postgres {how}")).await;
    wait::until("deliveries to be put off", async || (stage.sender.journal().put_off > 10).then_some(())).await;
    assert_ne!(server.client.get("/readyz").await.status, 200);
    servers::ask("postgres start").await;

    stage.sender.wait_for_more(100).await;
    flow.stop().await;
    stage.settle(0).await;
    assert_eq!(stage.events("attempts > 0").await, 0, "nobody's attempt was burned");
    stage.strike([server]).await;
}

/// I1, I2, I3, I5: an immediate shutdown in the middle of transactions.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn stopped_in_mid_transaction() {
    goes_away("stop").await;
}

/// I1, I2, I3, I5: the postmaster is killed, and the others die of it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn killed_in_mid_transaction() {
    goes_away("kill").await;
}

#[derive(diesel::QueryableByName)]
struct Process {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    pid: i32,
}

/// I1, I3, I5: everything that serves us stands still for some seconds, twice, and tables are locked in between.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn slow() {
    let mut stage = Stage::set().await;
    let server = stage.serve_as("api,relay,worker").await;
    stage.send_to(&[&server]);
    let flow = stage.sender.flow(50);
    for _ in 0..2 {
        stage.sender.wait_for_more(50).await;
        let ours = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename LIKE 'parley%'";
        let mut admin = stage.deployment.database.admin().await;
        let processes: Vec<Process> = diesel::sql_query(ours).load(&mut admin).await.unwrap();
        let signal = |name: &str| {
            let pids = processes.iter().map(|process| process.pid.to_string());
            // One may have ended by itself.
            let _ = Command::new("kill").arg(format!("-{name}")).args(pids).status().unwrap();
        };
        signal("STOP");
        admin.batch_execute("SELECT pg_sleep(4)").await.unwrap();
        signal("CONT");
        let lock = "BEGIN; LOCK TABLE webhook_events, messages IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(3); COMMIT";
        admin.batch_execute(lock).await.unwrap();
    }
    stage.sender.wait_for_more(50).await;
    flow.stop().await;
    stage.settle(0).await;
    assert_eq!(stage.events("attempts > 0").await, 0, "nobody's attempt was burned");
    stage.strike([server]).await;
}

/// I3: a process that starts before its database waits for it, says so, and needs no second start.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn not_there_yet() {
    let mut stage = Stage::set().await;
    servers::ask("postgres stop").await;
    let address = crate::kit::deployment::steady_address().to_string();
    let mut server = stage.deployment.spawn("api,relay,worker", &[("PARLEY_HTTP_LISTEN", &address)]).await;
    stage.sender = stage.sender.to(&[crate::kit::client::Client::new(format!("http://{address}"))]);
    let body = stage.sender.delivery(1);
    wait::within(Duration::from_secs(30), "a stand-by to answer", async || {
        assert!(!stage.sender.post(0, &body).await);
        (stage.sender.journal().put_off > 0).then_some(())
    })
    .await;
    assert!(!server.has_ended());
    servers::ask("postgres start").await;
    stage.sender.deliver(0, body).await;
    stage.settle(0).await;
    stage.strike([server]).await;
}
