//! Processes are told to stop while there is work.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::kit::client::Client;
use crate::kit::deployment::{Server, steady_address};
use crate::kit::stage::Stage;

/// Whoever is told to stop is gone by then.
const LEAVES: Duration = Duration::from_secs(25);

async fn serve_at(stage: &Stage, roles: &str, address: SocketAddr) -> Server {
    stage.deployment.serve_with(roles, &[("PARLEY_HTTP_LISTEN", &address.to_string())]).await
}

async fn stop(server: Server) {
    let told = Instant::now();
    server.signal("TERM");
    assert!(server.exit().await.success(), "SIGTERM is a clean end");
    assert!(told.elapsed() < LEAVES, "it took {:?}", told.elapsed());
}

/// I1, I2: what is in hand is finished or left to others; nothing is lost.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn told_to_stop_under_load() {
    let mut stage = Stage::set().await;
    let address = steady_address();
    stage.sender = stage.sender.to(&[Client::new(format!("http://{address}"))]);
    let mut server = serve_at(&stage, "api,relay,worker", address).await;
    let flow = stage.sender.flow(100);
    for _ in 0..3 {
        stage.sender.wait_for_more(100).await;
        stop(server).await;
        server = serve_at(&stage, "api,relay,worker", address).await;
    }
    flow.stop().await;
    stage.settle(0).await;
    stage.strike([server]).await;
}

/// I1, I2, I3: one process after another is replaced, and whoever sends notices nothing but a 503 that says when to come
/// again.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn a_rolling_restart_under_load() {
    let mut stage = Stage::set().await;
    let addresses = [steady_address(), steady_address()];
    stage.sender = stage.sender.to(&addresses.map(|address| Client::new(format!("http://{address}"))));
    let mut servers = Vec::new();
    for address in addresses {
        servers.push(("api", address, serve_at(&stage, "api", address).await));
    }
    for role in ["relay", "relay", "worker", "worker", "worker"] {
        let address = steady_address();
        servers.push((role, address, serve_at(&stage, role, address).await));
    }
    let flow = stage.sender.flow(60);
    stage.sender.wait_for_more(60).await;
    for _ in 0..servers.len() {
        let (role, address, server) = servers.remove(0);
        stop(server).await;
        servers.push((role, address, serve_at(&stage, role, address).await));
        stage.sender.wait_for_more(10).await;
    }
    flow.stop().await;
    stage.settle(0).await;
    stage.strike(servers.into_iter().map(|(_, _, server)| server)).await;
}
