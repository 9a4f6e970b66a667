//! Signing key rotation under load.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::kit::app::PASSWORD;
use crate::kit::client::Client;
use crate::kit::deployment::Deployment;
use crate::kit::wait;

const TRAFFIC: Duration = Duration::from_mins(1);
const ROTATIONS: u32 = 5;

fn text(made: &Value, member: &str) -> String {
    made[member].as_str().unwrap().to_owned()
}

/// A client that alternates between servers and refreshes every two seconds; returns its number of requests.
async fn send_requests(servers: &[Client; 2], slug: &str, over: &AtomicBool) -> usize {
    let login = json!({"email": "ada@example.com", "password": PASSWORD});
    let mut tokens = servers[0].with("x-tenant-id", slug).post("/auth/login", &login).await.json(200);
    let (mut asked, mut refreshed_at) = (0, Instant::now());
    while !over.load(Ordering::Relaxed) {
        let server = &servers[asked % 2];
        if refreshed_at.elapsed() > Duration::from_secs(2) {
            let body = json!({"refresh_token": text(&tokens, "refresh_token")});
            tokens = server.post("/auth/refresh", &body).await.json(200);
            refreshed_at = Instant::now();
        }
        server.with_token(&text(&tokens, "access_token")).get("/auth/me").await.json(200);
        asked += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    asked
}

/// Five rotations during a minute of traffic on two processes: no request is refused.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn key_rotation_under_traffic_refuses_no_token() {
    let deployment =
        Deployment::new().await.with("PARLEY_SIGNING_POLL_SECONDS", "1").with("PARLEY_SIGNING_PUBLISH_SECONDS", "5");
    let servers = [deployment.serve_as("api").await, deployment.serve_as("api,scheduler").await];
    let clients = [servers[0].client.clone(), servers[1].client.clone()];
    let signup = json!({"tenant_name": "Acme", "slug": "acme", "email": "ada@example.com", "password": PASSWORD});
    clients[0].post("/auth/signup", &signup).await.json(201);

    let (over, rotated, started) = (AtomicBool::new(false), AtomicUsize::new(0), Instant::now());
    let rotations = async {
        for rotation in 0..ROTATIONS {
            let output = deployment.command(&["keys", "rotate"]).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let kid = String::from_utf8_lossy(&output.stdout).split_whitespace().next().unwrap().to_owned();
            let active = format!("SELECT count(*) FROM signing_keys WHERE kid = '{kid}' AND state = 'active'");
            wait::until("the next key to sign", async || (deployment.database.count(&active).await == 1).then_some(()))
                .await;
            rotated.fetch_add(1, Ordering::Relaxed);
            let next = TRAFFIC / ROTATIONS * (rotation + 1);
            tokio::time::sleep(next.saturating_sub(started.elapsed())).await;
        }
        over.store(true, Ordering::Relaxed);
    };
    let people = join_all((0..8).map(|_| send_requests(&clients, "acme", &over)));
    let (asked, ()) = tokio::join!(people, rotations);

    assert_eq!(rotated.load(Ordering::Relaxed), 5);
    assert!(asked.iter().sum::<usize>() > 1_000, "{asked:?}");
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
