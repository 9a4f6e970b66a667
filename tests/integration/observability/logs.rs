use serde_json::{Value, json};

use crate::kit::api::LoggedIn;
use crate::kit::app::PASSWORD;
use crate::kit::deployment::{Deployment, Server};
use crate::kit::meta::{Number, signature, text};
use crate::kit::wait;

const SENDER: &str = "491701234567";
const PRIVATE_TEXT: &str = "a love letter";

/// Waits for a line that matches.
async fn line(server: &Server, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
    wait::until(what, async || server.log().into_iter().find(&fits)).await
}

/// The only log line of a request.
async fn request_line(server: &Server, request_id: &str) -> Value {
    line(server, request_id, |line| line["message"] == "request" && line["request_id"] == request_id).await
}

fn assert_no_personal_data(server: &Server, personal: &[&str]) {
    let log = server.log().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for personal in personal {
        assert!(!log.contains(personal), "{personal} in {log}");
    }
}

/// I4, also at debug level.
#[tokio::test(flavor = "multi_thread")]
async fn log_lines_of_delivery_share_event_ids() {
    let deployment = Deployment::new().await.with("PARLEY_LOG_LEVEL", "trace");
    let server = deployment.serve_with("api,relay,worker", &[]).await;
    let LoggedIn { access_token: token, tenant, user, .. } =
        server.client.with("x-request-id", "signup-1").sign_up("acme").await;
    let client = server.client.with_token(&token);
    let number = Number::fresh();
    let account = json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id});
    client.post("/whatsapp-accounts", &account).await.json(201);

    let body = number.delivery(&[text(SENDER, PRIVATE_TEXT)]).to_string().into_bytes();
    let signed = server.client.with("x-hub-signature-256", &signature(&body)).with("x-request-id", "delivery-1");
    signed.send(reqwest::Method::POST, "/webhooks/whatsapp", Some(body)).await.expect(200);
    client.with("x-request-id", "search-1").get("/crm/search?q=Lovelace").await.expect(200);

    let request = request_line(&server, "delivery-1").await;
    assert_eq!((&request["route"], &request["level"]), (&json!("/webhooks/whatsapp"), &json!("INFO")));
    let processed = line(&server, "the event", |line| line["message"] == "processed").await;
    for message in ["stored", "published", "processed"] {
        let line = line(&server, message, |line| line["message"] == message).await;
        assert_eq!(line["trace_id"], request["trace_id"], "{line}");
        assert_eq!(line["event_id"], processed["event_id"], "{line}");
        assert_eq!(line["tenant_id"], tenant.id, "{line}");
        assert_eq!(line["attempt"], if message == "stored" { Value::Null } else { json!(1) }, "{line}");
    }
    // Requests of a known user, without and with a token.
    for id in ["signup-1", "search-1"] {
        let line = request_line(&server, id).await;
        assert_eq!((&line["tenant_id"], &line["user_id"]), (&json!(tenant.id), &json!(user.id)), "{line}");
    }
    let number_id = number.phone_number_id.as_str();
    let secrets = [PASSWORD, &token, "test:AAECAwQF", "the secret of the test app", ":dev@"];
    let people = [SENDER, "491701", PRIVATE_TEXT, "love", "Ada Lovelace", "Lovelace", "ada@example.com", number_id];
    assert_no_personal_data(&server, &[&secrets[..], &people[..]].concat());
    server.signal("TERM");
    assert!(server.exit().await.success());
    deployment.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_login_log_has_address_but_no_email() {
    let deployment = Deployment::new().await.with("PARLEY_LOG_LEVEL", "debug");
    let server = deployment.serve_as("api").await;
    let tenant = json!(server.client.sign_up("acme").await.tenant.id);
    let wrong = json!({"email": "ada@example.com", "password": "open sesame"});
    let stranger = server.client.with("x-tenant-id", "acme");
    for n in 1..=5 {
        let id = format!("login-{n}");
        stranger.with("x-request-id", &id).post("/auth/login", &wrong).await.problem(401, "invalid_credentials");
    }
    stranger.with("x-request-id", "login-6").post("/auth/login", &wrong).await.problem(429, "too_many_attempts");

    let line = request_line(&server, "login-1").await;
    assert_eq!((&line["route"], &line["status"], &line["level"]), (&json!("/auth/login"), &json!(401), &json!("INFO")));
    assert_eq!((&line["outcome"], &line["tenant_id"]), (&json!("invalid_credentials"), &tenant), "{line}");
    assert!(line["user_id"].is_null(), "the login failed: {line}");
    // Repeated failures are logged as a warning.
    let warning = self::line(&server, "a warning", |line| {
        line["request_id"] == "login-6" && line["message"] == "request refused"
    });
    let warning = warning.await;
    assert_eq!((&warning["level"], &warning["tenant_id"]), (&json!("WARN"), &tenant), "{warning}");
    assert_eq!(request_line(&server, "login-6").await["outcome"], "throttled");
    assert_no_personal_data(&server, &["ada@example.com", "open sesame", PASSWORD, "Acme"]);
    server.signal("TERM");
    assert!(server.exit().await.success());
    deployment.finish().await;
}
