use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::deployment::{Deployment, Server};
use crate::kit::meta::{Number, fresh_wamid, signature, text};
use crate::kit::wait;

/// Variants of each hostile input.
const VARIANTS: usize = 60;
/// More than a thousand kinds in total, all of them signed as Meta's are.
const KINDS: usize = 1_000;

/// What distinguishes one Prometheus series from another.
async fn series(server: &Server) -> BTreeSet<String> {
    let text = server.metrics().await;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned())).collect()
}

fn change(field: &str, value: &Value) -> Value {
    json!({"field": field, "value": value})
}

/// One of each input that a client can invent.
async fn ask(server: &Server, made_up: &str) {
    let client = server
        .client
        .with("x-tenant-id", made_up)
        .with("x-request-id", made_up)
        .with("traceparent", made_up)
        .with("user-agent", made_up);
    let unsigned = client.with("x-hub-signature-256", &format!("sha256={}", "0".repeat(64)));
    client.get(&format!("/{made_up}?{made_up}={made_up}")).await.expect(404);
    client.get(&format!("/crm/contacts/{made_up}")).await.expect(401);
    client.with_token(made_up).get(&format!("/crm/conversations/{made_up}")).await.expect(401);
    unsigned.post(&format!("/webhooks/whatsapp/{made_up}"), &json!({made_up: made_up})).await.expect(401);
    client.post("/auth/refresh", &json!({"refresh_token": made_up})).await;
    let method = Method::from_bytes(made_up.as_bytes()).unwrap();
    client.send(method.clone(), "/crm/contacts", None).await;
    client.send(method, &format!("/{made_up}"), None).await;
}

/// A signed delivery with invented kinds of messages, statuses and changes.
async fn deliver(server: &Server, number: &Number, kinds: impl Iterator<Item = usize>) {
    let metadata = json!({"display_phone_number": "15550000000", "phone_number_id": number.phone_number_id});
    let changes: Vec<Value> = kinds
        .flat_map(|n| {
            let (kind, mut message) = (format!("madeup_{n}"), text("15550100", "hostile"));
            message["type"] = json!(kind);
            let status = json!({
                "id": fresh_wamid(), "status": kind, "timestamp": message["timestamp"], "recipient_id": "15550100",
            });
            let value = json!({"metadata": metadata, "messages": [message], "statuses": [status]});
            let messages = (n % 10 == 0).then(|| change("messages", &value));
            messages.into_iter().chain([change(&kind, &json!({"metadata": metadata, "n": n}))])
        })
        .collect();
    let body = json!({"object": "whatsapp_business_account", "entry": [{"id": number.waba_id, "changes": changes}]});
    let body = body.to_string().into_bytes();
    let signed = server.client.with("x-hub-signature-256", &signature(&body));
    signed.send(Method::POST, "/webhooks/whatsapp", Some(body)).await.expect(200);
}

async fn settled(deployment: &Deployment) {
    wait::within(Duration::from_mins(1), "no event to be in flight", async || {
        (deployment.database.count("SELECT count(*) FROM webhook_outbox").await == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn arbitrary_input_creates_no_metric_series() {
    let deployment = Deployment::new().await.with("PARLEY_RETRY_MAX_ATTEMPTS", "1");
    let server = deployment.serve().await;
    let signed_up = server.client.sign_up("acme").await;
    let client = server.client.with_token(&signed_up.access_token);
    let number = Number::fresh();
    let account = json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id});
    client.post("/whatsapp-accounts", &account).await.json(201);

    // Warm-up: each counter is created at its first use.
    for made_up in ["madeup-a", "madeup-b"] {
        ask(&server, made_up).await;
    }
    deliver(&server, &number, 0..2).await;
    settled(&deployment).await;
    series(&server).await;
    let before = series(&server).await;
    for n in 0..VARIANTS {
        ask(&server, &format!("madeup-{n}")).await;
    }
    for chunk in 0..4 {
        deliver(&server, &number, (2 + chunk * KINDS / 4)..(2 + (chunk + 1) * KINDS / 4)).await;
    }
    settled(&deployment).await;
    let stored = deployment.database.count("SELECT count(DISTINCT kind) FROM webhook_events").await;
    assert!(stored > i64::try_from(KINDS).unwrap(), "each kind is an event of its own");

    let after = series(&server).await;
    let new: Vec<_> = after.difference(&before).collect();
    assert!(after.iter().all(|series| !series.to_lowercase().contains("madeup")), "{new:#?}");
    // Unrelated series may appear, such as those of a retry; a histogram has about twenty lines.
    assert!(new.len() < VARIANTS, "{} of {}: {new:#?}", new.len(), after.len());
    server.signal("TERM");
    assert!(server.exit().await.success());
    deployment.finish().await;
}

/// A rate over a rare event needs the counter to exist before its first increment.
#[tokio::test(flavor = "multi_thread")]
async fn counters_used_by_alerts_start_at_zero() {
    let deployment = Deployment::new().await;
    let server = deployment.serve_as("worker").await;
    let text = server.metrics().await;
    for series in [
        r#"parley_webhook_deliveries_total{outcome="failed"} 0"#,
        r#"parley_webhook_deliveries_total{outcome="bad_signature"} 0"#,
        r#"parley_auth_attempts_total{action="refresh",outcome="reuse"} 0"#,
        r#"parley_auth_attempts_total{action="login",outcome="invalid_credentials"} 0"#,
        r#"parley_publish_total{outcome="nacked"} 0"#,
        r#"parley_events_dead_lettered_total{kind="message",reason="poison"} 0"#,
        r#"parley_event_retries_total{kind="status",reason="dependency"} 0"#,
        r#"parley_webhook_events_total{kind="change",outcome="dead_letter"} 0"#,
    ] {
        assert!(text.lines().any(|line| line == series), "{series} in {text}");
    }
    server.signal("TERM");
    assert!(server.exit().await.success());
    deployment.finish().await;
}
