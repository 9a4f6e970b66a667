//! Tokens and keys on two processes that share only the database.

use std::process::Output;

use futures_util::future::join_all;
use serde_json::json;

use crate::kit::api::LoggedIn;
use crate::kit::app::PASSWORD;
use crate::kit::client::{Client, Response};
use crate::kit::deployment::{Deployment, Server};
use crate::kit::token_forger::kid_of;
use crate::kit::{users, wait};

/// The output of a command that succeeds.
fn parley(deployment: &Deployment, line: &[&str]) -> String {
    let output: Output = deployment.command(line).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{stdout}{}", String::from_utf8_lossy(&output.stderr));
    stdout
}

async fn log_in(server: &Server) -> LoggedIn {
    users::log_in(&server.client, "acme", "ada@example.com", PASSWORD).await.body(200)
}

async fn refresh(client: &Client, token: &str) -> Response {
    client.post("/auth/refresh", &json!({"refresh_token": token})).await
}

async fn is_accepted_by(servers: &[Server; 2], token: &str) {
    for server in servers {
        server.client.with_token(token).get("/auth/me").await.json(200);
    }
}

async fn stop(deployment: Deployment, servers: [Server; 2]) {
    for server in servers {
        server.signal("TERM");
        assert!(server.exit().await.success(), "SIGTERM exits successfully");
    }
    deployment.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_refreshes_yield_one_winner() {
    const ROUNDS: u32 = 3;
    let deployment = Deployment::new().await;
    let servers = [deployment.serve_as("api").await, deployment.serve_as("api").await];
    servers[0].client.sign_up("acme").await;
    for round in 0..ROUNDS {
        let token = log_in(&servers[1]).await.refresh_token;
        // With fresh connections, since the server may close an idle one at this moment.
        let clients = servers.each_ref().map(|server| Client::new(server.client.base()));
        let answers = join_all((0..50).map(|n| refresh(&clients[n % 2], &token))).await;
        let with = |status: u16| answers.iter().filter(move |answer| answer.status == status);
        let won: Vec<LoggedIn> = with(200).map(|answer| answer.body(200)).collect();
        assert_eq!(won.len(), 1, "round {round}");
        with(409).for_each(|answer| drop(answer.problem(409, "refresh_conflict")));
        assert_eq!(won.len() + with(409).count() + with(401).count(), 50, "{answers:#?}");
        // Both processes accept the session.
        is_accepted_by(&servers, &won[0].access_token).await;
        let next: LoggedIn = refresh(&servers[1].client, &won[0].refresh_token).await.body(200);

        // None of them counts as a replay.
        refresh(&servers[0].client, &token).await.problem(401, "invalid_refresh_token");
        for server in &servers {
            let client = server.client.with_token(&next.access_token);
            client.get("/auth/me").await.problem(401, "invalid_token");
        }
        refresh(&servers[1].client, &next.refresh_token).await.problem(401, "invalid_refresh_token");
    }
    let audited = "SELECT count(*) FROM audit_records WHERE action = 'token_reuse'";
    assert_eq!(deployment.database.count(audited).await, i64::from(ROUNDS));
    let reuses = servers[0].metric(r#"parley_auth_attempts_total{action="refresh",outcome="reuse"}"#).await;
    assert!((reuses - f64::from(ROUNDS)).abs() < 0.1, "{reuses}");
    stop(deployment, servers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_accept_each_others_tokens_during_rotation() {
    let deployment = Deployment::new()
        .await
        .with("PARLEY_SIGNING_POLL_SECONDS", "1")
        .with("PARLEY_SIGNING_PUBLISH_SECONDS", "3")
        // Logs in repeatedly; the session limit must not end a session.
        .with("PARLEY_SESSIONS_PER_USER", "1000");
    let servers = [deployment.serve_as("api").await, deployment.serve_as("api").await];
    let old = servers[0].client.sign_up("acme").await.access_token;
    is_accepted_by(&servers, &old).await;

    let stdout = parley(&deployment, &["keys", "rotate"]);
    let next = stdout.split_whitespace().next().unwrap().to_owned();
    assert!(stdout.contains("signs from"), "{stdout}");
    // One process starts after the rotation and loads the new key; the others are notified.
    let late = deployment.serve_as("api").await;
    wait::until("the next key to sign", async || {
        let made = log_in(&servers[1]).await;
        is_accepted_by(&servers, &made.access_token).await;
        (kid_of(&made.access_token) == next).then_some(())
    })
    .await;
    for server in servers.iter().chain([&late]) {
        let made = log_in(server).await.access_token;
        assert_eq!(kid_of(&made), next);
        is_accepted_by(&servers, &made).await;
        late.client.with_token(&made).get("/auth/me").await.json(200);
        server.client.with_token(&old).get("/auth/me").await.json(200);
    }
    let listed = parley(&deployment, &["keys", "list"]);
    let states: Vec<&str> = listed.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(states, ["retiring", "active"], "{listed}");
    assert!(listed.lines().all(|line| line.ends_with("sealed with test")), "{listed}");
    let age = servers[0].metric(r#"parley_signing_key_age_seconds{state="active"}"#).await;
    assert!((0.0..60.0).contains(&age), "{age}");

    // After a revocation, access tokens of the key are refused at once, and refresh tokens still work.
    let made = log_in(&servers[0]).await;
    let revoked = parley(&deployment, &["keys", "revoke", &next]);
    let states: Vec<&str> = revoked.lines().filter_map(|line| line.rsplit(' ').next()).collect();
    assert_eq!(states, ["revoked", "active"], "{revoked}");
    for server in &servers {
        server.client.with_token(&made.access_token).get("/auth/me").await.problem(401, "invalid_token");
    }
    let mut token = made.refresh_token;
    for server in &servers {
        let refreshed: LoggedIn = refresh(&server.client, &token).await.body(200);
        is_accepted_by(&servers, &refreshed.access_token).await;
        token = refreshed.refresh_token;
    }
    let again = deployment.command(&["keys", "revoke", &next]).output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("already revoked"));

    // A new encryption key: all processes get it first, then it seals.
    let both = "new:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=,test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let mut reseal = deployment.command(&["keys", "reseal"]);
    let resealed = reseal.env("PARLEY_KEYS_ENCRYPTION", both).output().unwrap();
    assert!(resealed.status.success(), "{}", String::from_utf8_lossy(&resealed.stderr));
    assert!(parley(&deployment, &["keys", "list"]).contains("sealed with new"));
    late.kill().await;
    stop(deployment, servers).await;
}
