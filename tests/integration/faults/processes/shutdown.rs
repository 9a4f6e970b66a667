//! Graceful shutdown under load.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::kit::client::Client;
use crate::kit::deployment::{Server, steady_address};
use crate::kit::fault_setup::FaultSetup;

/// The time limit for a shutdown.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(25);

async fn serve_at(setup: &FaultSetup, roles: &str, address: SocketAddr) -> Server {
    setup.deployment.serve_with(roles, &[("PARLEY_HTTP_LISTEN", &address.to_string())]).await
}

async fn stop(server: Server) {
    let started = Instant::now();
    server.signal("TERM");
    assert!(server.exit().await.success(), "SIGTERM exits successfully");
    assert!(started.elapsed() < SHUTDOWN_LIMIT, "shutdown took {:?}", started.elapsed());
}

/// I1, I2: work in progress is finished or left to other processes; nothing is lost.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn shutdown_under_load_loses_nothing() {
    let mut setup = FaultSetup::new().await;
    let address = steady_address();
    setup.sender = setup.sender.to(&[Client::new(format!("http://{address}"))]);
    let mut server = serve_at(&setup, "api,relay,worker", address).await;
    let flow = setup.sender.flow(100);
    for _ in 0..3 {
        setup.sender.wait_for_more(100).await;
        stop(server).await;
        server = serve_at(&setup, "api,relay,worker", address).await;
    }
    flow.stop().await;
    setup.settle(0).await;
    setup.shut_down([server]).await;
}

/// I1, I2, I3: processes are replaced one by one; clients see only 503 with `Retry-After`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn rolling_restart_under_load_loses_nothing() {
    let mut setup = FaultSetup::new().await;
    let addresses = [steady_address(), steady_address()];
    setup.sender = setup.sender.to(&addresses.map(|address| Client::new(format!("http://{address}"))));
    let mut servers = Vec::new();
    for address in addresses {
        servers.push(("api", address, serve_at(&setup, "api", address).await));
    }
    for role in ["relay", "relay", "worker", "worker", "worker"] {
        let address = steady_address();
        servers.push((role, address, serve_at(&setup, role, address).await));
    }
    let flow = setup.sender.flow(60);
    setup.sender.wait_for_more(60).await;
    for _ in 0..servers.len() {
        let (role, address, server) = servers.remove(0);
        stop(server).await;
        servers.push((role, address, serve_at(&setup, role, address).await));
        setup.sender.wait_for_more(10).await;
    }
    flow.stop().await;
    setup.settle(0).await;
    setup.shut_down(servers.into_iter().map(|(_, _, server)| server)).await;
}
