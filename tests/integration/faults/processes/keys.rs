//! Signing key rotation under load.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use crate::kit::api::{LoggedIn, Me};
use crate::kit::app::PASSWORD;
use crate::kit::client::Client;
use crate::kit::deployment::Deployment;
use crate::kit::users::log_in;
use crate::kit::wait;

const CLIENTS: usize = 8;
const ROTATIONS: usize = 5;
/// A client refreshes its tokens after this many requests.
const REQUESTS_PER_REFRESH: usize = 50;
/// Requests of each client under each key, so that each client has tokens of that key.
const REQUESTS_PER_KEY: usize = 3 * REQUESTS_PER_REFRESH;
/// Longer than the clients need for that.
const LIMIT: Duration = Duration::from_mins(2);

/// A client that alternates between servers; counts its requests.
async fn send_requests(servers: &[Client; 2], requests: &AtomicUsize, over: &AtomicBool) {
    let mut session: LoggedIn = log_in(&servers[0], "acme", "ada@example.com", PASSWORD).await.body(200);
    while !over.load(Ordering::Relaxed) {
        let sent = requests.load(Ordering::Relaxed);
        let server = &servers[sent % 2];
        if sent.is_multiple_of(REQUESTS_PER_REFRESH) {
            let body = json!({"refresh_token": session.refresh_token});
            session = server.post("/auth/refresh", &body).await.body(200);
        }
        server.with_token(&session.access_token).read::<Me>("/auth/me").await;
        requests.store(sent + 1, Ordering::Relaxed);
    }
}

/// Five rotations under the traffic of eight clients on two processes: no request is refused.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn key_rotation_under_traffic_refuses_no_token() {
    let deployment =
        Deployment::new().await.with("PARLEY_SIGNING_POLL_SECONDS", "1").with("PARLEY_SIGNING_PUBLISH_SECONDS", "5");
    let servers = [deployment.serve_as("api").await, deployment.serve_as("api,scheduler").await];
    let clients = [servers[0].client.clone(), servers[1].client.clone()];
    clients[0].sign_up("acme").await;

    let requests: [AtomicUsize; CLIENTS] = Default::default();
    let over = AtomicBool::new(false);
    let rotations = async {
        for _ in 0..ROTATIONS {
            let output = deployment.command(&["keys", "rotate"]).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let kid = String::from_utf8_lossy(&output.stdout).split_whitespace().next().unwrap().to_owned();
            let active = format!("SELECT count(*) FROM signing_keys WHERE kid = '{kid}' AND state = 'active'");
            wait::until("the next key to sign", async || (deployment.database.count(&active).await == 1).then_some(()))
                .await;
            let goals = requests.each_ref().map(|sent| sent.load(Ordering::Relaxed) + REQUESTS_PER_KEY);
            wait::within(LIMIT, "all clients to use the key", async || {
                let reached = requests.iter().zip(goals).all(|(sent, goal)| sent.load(Ordering::Relaxed) >= goal);
                reached.then_some(())
            })
            .await;
        }
        over.store(true, Ordering::Relaxed);
    };
    let traffic = join_all(requests.iter().map(|requests| send_requests(&clients, requests, &over)));
    tokio::join!(traffic, rotations);

    for server in &servers {
        let refused = server.metric(r#"parley_auth_attempts_total{action="token",outcome="invalid_token"}"#).await;
        assert!(refused < 0.5, "{refused} were refused");
    }
    for server in servers {
        server.signal("TERM");
        assert!(server.exit().await.success(), "SIGTERM exits successfully");
    }
    deployment.finish().await;
}
