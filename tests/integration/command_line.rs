//! Operator commands and their effect on a running server.

use std::process::Output;

use serde_json::json;

use crate::kit::api::{AuditRecord, Resource as _, WebhookEvent, column};
use crate::kit::client::Client;
use crate::kit::deployment::{Deployment, Server};
use crate::kit::meta::{Number, signature, text};
use crate::kit::wait;

/// The output of a command that succeeds.
fn stdout(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// The error output of a command that fails.
fn stderr(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The first word of the only line.
fn id(line: &str) -> String {
    assert_eq!(line.lines().count(), 1, "{line}");
    line.split_whitespace().next().unwrap().to_owned()
}

impl Deployment {
    fn parley(&self, line: &[&str]) -> Output {
        self.command(line).output().unwrap()
    }
}

/// Tenant `acme` with a number, and its owner's client.
async fn acme(server: &Server) -> (Client, Number) {
    let token = server.client.sign_up("acme").await.access_token;
    let client = server.client.with_token(&token);
    let number = Number::fresh();
    let account = json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id});
    client.post("/whatsapp-accounts", &account).await.json(201);
    (client, number)
}

async fn deliver(server: &Server, body: &[u8]) {
    let signed = server.client.with("x-hub-signature-256", &signature(body));
    signed.send(reqwest::Method::POST, "/webhooks/whatsapp", Some(body.to_vec())).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn tenant_dead_letters_are_managed() {
    let deployment = Deployment::new().await;
    let server = deployment.serve().await;
    let (client, number) = acme(&server).await;
    let mut without_id = text("15550100", "the customer's own words");
    without_id.as_object_mut().unwrap().remove("id");
    deliver(&server, number.delivery(&[without_id]).to_string().as_bytes()).await;
    let list = ["events", "list", "--tenant", "acme", "--status", "dead_letter"];
    let listed = async || {
        wait::until("a dead letter", async || {
            let listed = stdout(&deployment.parley(&list));
            (!listed.is_empty()).then_some(listed)
        })
        .await
    };
    let event = id(&listed().await);
    assert!(listed().await.contains("permanent"));
    assert_eq!(stdout(&deployment.parley(&[&list[..], &["--kind", "status"]].concat())), "");
    assert_eq!(stdout(&deployment.parley(&["events", "list"])), "", "the event belongs to a tenant");

    let shown = stdout(&deployment.parley(&["events", "show", "--tenant", "acme", &event]));
    assert!(shown.contains("attempt 1") && !shown.contains("own words"), "{shown}");
    let shown = stdout(&deployment.parley(&["events", "show", "--tenant", "acme", &event, "--payload"]));
    assert!(shown.contains("the customer's own words"), "{shown}");
    assert!(stderr(&deployment.parley(&["events", "show", &event])).contains("--tenant"));

    let all = ["events", "replay", "--tenant", "acme", "--all"];
    let counted = stdout(&deployment.parley(&[&all[..], &["--dry-run"]].concat()));
    assert_eq!(counted, "1 events would be replayed\n");
    let replayed = stdout(&deployment.parley(&[&all[..], &["--reason", "mended"]].concat()));
    assert_eq!(replayed, "1 events replayed\n");
    wait::until("the replay to fail again", async || listed().await.contains("replays 1").then_some(())).await;
    let discard = ["events", "discard", "--tenant", "acme", &event, "--reason", "a test"];
    assert!(stdout(&deployment.parley(&discard)).contains("discarded"));
    assert!(stderr(&deployment.parley(&discard)).contains("not a dead letter"));
    let replay = ["events", "replay", "--tenant", "acme", &event, "--reason", "after all"];
    assert!(stdout(&deployment.parley(&replay)).contains("received"));

    let records: Vec<AuditRecord> = client.list("/audit-log").await;
    let latest = column(&records[..3], |record| (record.action.as_str(), record.actor.kind.as_str()));
    let expected = ["webhook_event.replayed", "webhook_event.discarded", "webhook_events.replayed"];
    assert_eq!(latest, expected.map(|action| (action, "command_line")));
    for line in [&["events", "list", "--status", "lost"][..], &["events", "replay", &event], &["events", "replay"]] {
        assert_eq!(deployment.parley(line).status.code(), Some(2), "{line:?}");
    }
    server.kill().await;
    deployment.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_without_tenant_are_managed_by_operators() {
    let deployment = Deployment::new().await;
    let server = deployment.serve_as("api").await;
    deliver(&server, b"no JSON at all").await;
    let event = id(&stdout(&deployment.parley(&["events", "list", "--status", "dead_letter"])));
    assert!(stdout(&deployment.parley(&["events", "show", &event, "--payload"])).contains("no JSON at all"));
    let replay = deployment.parley(&["events", "replay", &event, "--reason", "understood?"]);
    assert!(stderr(&replay).contains("still cannot be parsed"));
    assert!(stderr(&deployment.parley(&["events", "replay", "--all", "--reason", "x"])).contains("--tenant"));
    stdout(&deployment.parley(&["events", "discard", &event, "--reason", "nonsense"]));
    assert_eq!(stdout(&deployment.parley(&["events", "list", "--status", "dead_letter"])), "");
    let all = ["events", "discard", "--all", "--reason", "nonsense"];
    assert_eq!(stdout(&deployment.parley(&all)), "0 events discarded\n");
    for body in [&b"more"[..], b"nonsense"] {
        deliver(&server, body).await;
    }
    assert_eq!(stdout(&deployment.parley(&[&all[..], &["--kind", "message"]].concat())), "0 events discarded\n");
    assert_eq!(stdout(&deployment.parley(&all)), "2 events discarded\n");
    assert_eq!(stdout(&deployment.parley(&["events", "list", "--status", "dead_letter"])), "");
    server.kill().await;
    deployment.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn api_key_is_listed_and_revoked_by_operators() {
    let deployment = Deployment::new().await;
    let server = deployment.serve_as("api").await;
    let owner = server.client.sign_up("acme").await;
    let body = json!({"name": "Shop", "permissions": ["crm:read"]});
    let made = server.client.with_token(&owner.access_token).post("/api-keys", &body).await.json(201);
    let secret = made["secret"].as_str().unwrap();
    let program = server.client.with_token(secret);
    program.get("/crm/contacts").await.expect(200);

    let list = ["api-key", "list", "--tenant", "acme"];
    let listed = stdout(&deployment.parley(&list));
    assert!(listed.contains(made["prefix"].as_str().unwrap()) && listed.contains("  active  "), "{listed}");
    assert!(!listed.contains("last used never") && !listed.contains(secret), "{listed}");
    let revoke = ["api-key", "revoke", made["id"].as_str().unwrap(), "--tenant", "acme"];
    stdout(&deployment.parley(&revoke));
    program.get("/crm/contacts").await.problem(401, "invalid_token");
    assert!(stderr(&deployment.parley(&revoke)).contains("not active"));
    assert!(stdout(&deployment.parley(&list)).contains("  revoked  "));
    assert!(stderr(&deployment.parley(&["api-key", "list", "--tenant", "other"])).contains("no tenant"));
    server.kill().await;
    deployment.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn provisioning_key_is_created_used_and_revoked() {
    let deployment = Deployment::new().await;
    let server = deployment.serve_as("api").await;
    let create = ["provisioning-key", "create", "--name", "deploy", "--scopes", "events:read,audit:read"];
    let made = stdout(&deployment.parley(&create));
    let secret = made.lines().find(|line| line.starts_with("parley_pk_")).unwrap();
    let client = server.client.with_token(secret);
    client.get("/platform/webhook-events").await.expect(200);
    client.get("/platform/whatsapp-accounts").await.problem(403, "insufficient_scope");

    let listed = stdout(&deployment.parley(&["provisioning-key", "list"]));
    assert!(listed.contains("  active  ") && listed.contains("audit:read,events:read") && listed.contains("deploy"));
    assert!(!listed.contains("last used never") && !listed.contains("parley_pk_"), "{listed}");
    let key = id(&listed);
    stdout(&deployment.parley(&["provisioning-key", "revoke", &key]));
    client.get("/platform/webhook-events").await.problem(401, "invalid_token");
    assert!(stderr(&deployment.parley(&["provisioning-key", "revoke", &key])).contains("no active key"));
    assert!(stdout(&deployment.parley(&["provisioning-key", "list"])).contains("revoked"));
    let expired = [&create[..], &["--expires-at", "2020-01-01T00:00:00Z"]].concat();
    assert!(stderr(&deployment.parley(&expired)).contains("in the past"));
    for scopes in ["", "everything", "events:read,everything"] {
        let line = ["provisioning-key", "create", "--name", "x", "--scopes", scopes];
        assert_eq!(deployment.parley(&line).status.code(), Some(2), "{scopes:?}");
    }
    server.kill().await;
    deployment.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_verification_names_damage() {
    let deployment = Deployment::new().await;
    let server = deployment.serve_as("api,relay,worker,scheduler").await;
    let (client, number) = acme(&server).await;
    let mut without_id = text("15550100", "hello");
    without_id.as_object_mut().unwrap().remove("id");
    deliver(&server, number.delivery(&[without_id]).to_string().as_bytes()).await;
    let event = wait::until("a dead letter", async || {
        client.list::<WebhookEvent>("/webhook-events?status=dead_letter").await.pop()
    })
    .await;
    let discard = format!("{}/discard", event.path());
    client.post(&discard, &json!({"reason": "a test"})).await.expect(200);
    let verify = ["audit", "verify", "--tenant", "acme"];
    wait::until("the seal", async || {
        stdout(&deployment.parley(&verify)).contains("3 records are sealed, 0 are not").then_some(())
    })
    .await;
    let verify_platform = ["audit", "verify", "--platform"];
    assert!(stdout(&deployment.parley(&verify_platform)).contains(" records are sealed, 0 are not"));
    let tamper = "SET session_replication_role = replica; UPDATE audit_records SET outcome = 'refused';
        UPDATE platform_audit_records SET outcome = 'refused'";
    deployment.database.execute(tamper).await;
    let found = deployment.parley(&verify_platform);
    assert!(stderr(&found).contains("tampered with"));
    assert!(String::from_utf8_lossy(&found.stdout).starts_with("changed   1  "));
    let found = deployment.parley(&verify);
    assert!(stderr(&found).contains("tampered with"));
    assert!(String::from_utf8_lossy(&found.stdout).starts_with("changed   1  "));
    assert!(stderr(&deployment.parley(&["audit", "verify", "--tenant", "unknown"])).contains("no tenant unknown"));
    server.kill().await;
    deployment.finish().await;
}
