//! The real program: started, killed and restarted.

use std::process::Command;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::kit::api::{Conversation, LoggedIn, WhatsAppAccount};
use crate::kit::app::PASSWORD;
use crate::kit::deployment::Deployment;
use crate::kit::meta::{Number, fresh_digits, signature, text};
use crate::kit::services::services;
use crate::kit::wait;

#[tokio::test(flavor = "multi_thread")]
async fn accepted_deliveries_and_users_survive_kill_9() {
    let deployment = Deployment::new().await;
    // This process accepts only; the next one processes.
    let server = deployment.serve_as("api").await;
    let token = server.client.sign_up("acme").await.access_token;
    let number = Number::fresh();
    let account = json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id});
    server.client.with_token(&token).post("/whatsapp-accounts", &account).await.json(201);

    let body = number.delivery(&[text("15550100", "survives")]).to_string().into_bytes();
    let signed = server.client.with("x-hub-signature-256", &signature(&body));
    let answer = signed.send(reqwest::Method::POST, "/webhooks/whatsapp", Some(body)).await;
    server.signal("KILL");
    assert_eq!(answer.status, 200);
    assert!(!server.exit().await.success());

    let server = deployment.serve().await;
    let client = server.client.with_token(&token);
    let conversation = wait::until("the message", async || client.all::<Conversation>().await.pop()).await;
    assert_eq!(conversation.last_message_preview, "survives");
    let login = json!({"email": "ada@example.com", "password": PASSWORD});
    server.client.with("x-tenant-id", "acme").post("/auth/login", &login).await.json(200);

    server.signal("TERM");
    assert!(server.exit().await.success(), "SIGTERM exits successfully");
    deployment.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn user_logs_in_after_restart() {
    let deployment = Deployment::new().await;
    let server = deployment.serve_as("api").await;
    server.client.sign_up("acme").await;
    let grace = json!({"email": "grace@example.com", "password": PASSWORD});
    let registered: LoggedIn = server.client.with("x-tenant-id", "acme").post("/auth/register", &grace).await.body(201);
    server.signal("TERM");
    assert!(server.exit().await.success());

    let server = deployment.serve_as("api").await;
    let logged_in: LoggedIn = server.client.with("x-tenant-id", "acme").post("/auth/login", &grace).await.body(200);
    assert_eq!(logged_in.user.id, registered.user.id);
    // The session from before the restart is still valid.
    server.client.with_token(&registered.access_token).get("/auth/me").await.json(200);
    // Without configured proxies, `X-Forwarded-For` is ignored.
    let wrong = json!({"email": "grace@example.com", "password": "wrong password"});
    for n in 0..5 {
        let forged = server.client.with_address(&format!("203.0.113.{n}")).with("x-tenant-id", "acme");
        forged.post("/auth/login", &wrong).await.problem(401, "invalid_credentials");
    }
    let forged = server.client.with_address("203.0.113.9").with("x-tenant-id", "acme");
    forged.post("/auth/login", &grace).await.problem(429, "too_many_attempts");
    server.signal("TERM");
    assert!(server.exit().await.success());
    deployment.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_refuses_role_that_bypasses_rls() {
    let deployment = Deployment::new().await;
    let output = deployment
        .command(&["serve"])
        .env("PARLEY_AMQP_URL", &services().await.amqp_url)
        .env("PARLEY_DATABASE_URL", &deployment.database.admin_url)
        .output()
        .unwrap();
    assert!(!output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("is a superuser"), "{stderr}");
    deployment.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_refuses_other_key_encryption_key() {
    let deployment = Deployment::new().await;
    let server = deployment.serve().await;
    server.signal("TERM");
    assert!(server.exit().await.success());
    let output = deployment
        .command(&["serve"])
        .env("PARLEY_AMQP_URL", &services().await.amqp_url)
        .env("PARLEY_KEYS_ENCRYPTION", "other:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("key-encryption key") && stderr.contains("not configured"), "{stderr}");
    deployment.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_lists_all_configuration_errors() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parley-under-test"));
    let output = command.arg("serve").env_clear().env("PARLEY_HTTP_LISTEN", "nowhere").output().unwrap();
    assert!(!output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr);
    for name in [
        "PARLEY_DATABASE_URL",
        "PARLEY_AMQP_URL",
        "PARLEY_KEYS_ENCRYPTION",
        "PARLEY_WHATSAPP_APP_SECRET",
        "http.listen",
    ] {
        assert!(stderr.contains(name), "{name} in {stderr}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn command_line_connects_number_and_sends_sample() {
    let deployment = Deployment::new().await;
    let server = deployment.serve().await;
    let slug = format!("cli-{}", fresh_digits());
    server.client.sign_up(&slug).await;
    let number = Number::fresh();
    let add = deployment
        .command(&[
            "whatsapp",
            "add",
            "--tenant",
            &slug,
            "--phone-number-id",
            &number.phone_number_id,
            "--waba-id",
            &number.waba_id,
        ])
        .output()
        .unwrap();
    assert!(add.status.success(), "{}", String::from_utf8_lossy(&add.stderr));
    let sample = deployment
        .command(&["whatsapp", "send-sample", "--server", server.client.base(), "--tenant", &slug])
        .args(["--email", "ada@example.com", "--password", PASSWORD, "--text", "Hello from the command line"])
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&sample.stdout);
    assert!(sample.status.success(), "{stdout}{}", String::from_utf8_lossy(&sample.stderr));
    assert!(stdout.contains("Hello from the command line") && stdout.contains("\"unread_count\": 1"), "{stdout}");
    server.signal("TERM");
    assert!(server.exit().await.success());
    deployment.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn command_line_approves_claim() {
    let deployment = Deployment::new().await.with("PARLEY_CHANNELS_SELF_SERVICE", "false");
    let server = deployment.serve().await;
    let signed_up = server.client.sign_up("claims").await;
    let client = server.client.with_token(&signed_up.access_token);
    let number = Number::fresh();
    let claim = json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id});
    let account: WhatsAppAccount = client.create(&claim).await;
    assert_eq!(account.status, "pending");

    let id = account.id.as_str();
    let listed = deployment.command(&["whatsapp", "list"]).output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains(id) && listed.contains("pending") && listed.contains("claims"), "{listed}");
    assert!(deployment.command(&["whatsapp", "approve", id]).status().unwrap().success());
    assert!(
        !deployment.command(&["whatsapp", "approve", id]).status().unwrap().success(),
        "the claim is no longer pending"
    );
    assert_eq!(client.reload(&account).await.status, "active");

    server.signal("TERM");
    assert!(server.exit().await.success());
    deployment.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn process_without_api_serves_only_readiness() {
    let deployment = Deployment::new().await;
    let server = deployment.serve_as("worker").await;
    server.client.get("/healthz").await.expect(200);
    let ready = wait::until("the worker to be ready", async || {
        let answer = server.client.get("/readyz").await;
        (answer.status == 200).then(|| answer.json(200))
    })
    .await;
    assert_eq!(ready["checks"], json!({"database": "ok", "migrations": "ok", "broker": "ok"}));
    server.client.get("/crm/conversations").await.problem(404, "not_found");
    server.signal("TERM");
    assert!(server.exit().await.success());

    let isolated = deployment.serve_with("worker", &[("PARLEY_AMQP_URL", "amqp://127.0.0.1:1/%2f")]).await;
    let problem = isolated.client.get("/readyz").await.problem(503, "not_ready");
    assert_eq!(problem.checks["broker"], "cannot be reached");
    isolated.signal("TERM");
    assert!(isolated.exit().await.success(), "exits also while it waits for the broker");
    deployment.finish().await;
}

/// I4: logs contain neither message texts nor personal data.
#[tokio::test(flavor = "multi_thread")]
async fn log_traces_event_without_personal_data() {
    let deployment = Deployment::new().await.with("PARLEY_RETRY_MAX_ATTEMPTS", "1");
    let server = deployment.serve_with("api,relay,worker", &[("FAILPOINTS", "worker.fail=return(love letter)")]).await;
    let token = server.client.sign_up("acme").await.access_token;
    let client = server.client.with_token(&token);
    let number = Number::fresh();
    let account = json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id});
    client.post("/whatsapp-accounts", &account).await.json(201);

    let body = number.delivery(&[text("491701234567", "a love letter"), text("491701234567", "a tea order")]);
    let body = body.to_string().into_bytes();
    let signed = server.client.with("x-hub-signature-256", &signature(&body));
    signed.send(reqwest::Method::POST, "/webhooks/whatsapp", Some(body)).await.expect(200);
    let of_events = ["processed", "event dead-lettered"];
    let lines = wait::until("both events in the log", async || {
        let lines = server.log();
        let found = of_events.iter().all(|message| lines.iter().any(|line| line["message"] == *message));
        found.then_some(lines)
    })
    .await;
    let text = lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for personal in ["491701234567", "love letter", "tea order", "Ada Lovelace", "ada@example.com"] {
        assert!(!text.contains(personal), "{personal} in {text}");
    }
    for line in lines.iter().filter(|line| of_events.iter().any(|message| line["message"] == *message)) {
        for name in ["event_id", "attempt", "tenant_id", "trace_id"] {
            assert!(!line[name].is_null(), "{name} in {line}");
        }
    }
    server.signal("TERM");
    assert!(server.exit().await.success());
    deployment.finish().await;
}

/// Anyone can send such bytes: they are nothing to act on.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_request_are_no_error_in_the_log() {
    let deployment = Deployment::new().await;
    let server = deployment.serve_as("api").await;
    let address = server.client.base().strip_prefix("http://").unwrap().to_owned();
    let garbage: [&[u8]; 3] = [
        // The start of a TLS handshake.
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00\xff\xfe\r\n\r\n",
        b"GET / HTTP/1.1\r\nno header\r\n\r\n",
    ];
    for bytes in garbage {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 400 "), "{}", String::from_utf8_lossy(&answer));
    }
    // Its line comes after theirs.
    server.client.get("/no/such/path").await.problem(404, "not_found");
    let log = wait::until("the request in the log", async || {
        let log = server.log();
        log.iter().any(|line| line["route"] == "unmatched").then_some(log)
    })
    .await;
    assert!(log.iter().all(|line| line["level"] != "ERROR" && line["level"] != "error"), "{log:#?}");
    server.signal("TERM");
    assert!(server.exit().await.success());
    deployment.finish().await;
}
