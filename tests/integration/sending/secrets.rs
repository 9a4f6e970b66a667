//! No token and no text of a message leaves its tenant, in a log, an error or an answer (S7).

use serde_json::{Value, json};

use crate::kit::sandbox::Line;
use crate::kit::sending_setup::SendingSetup;

const TEXT: &str = "words-between-two-people";

/// What no log, error or foreign answer may have.
fn secrets(line: &Line) -> [&str; 2] {
    [&line.token, TEXT]
}

#[track_caller]
fn assert_without(secrets: &[&str], what: &str, text: &str) {
    for secret in secrets {
        assert!(!text.contains(secret), "{what} has {secret}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn token_and_text_are_in_no_log_or_error() {
    let levels = "info,pipeline=debug,graph=debug,flows=debug,postgres=debug,http_api=debug";
    let setup = SendingSetup::with(|deployment| deployment.with("PARLEY_LOG_LEVEL", levels)).await;
    let sender = setup.sender().await;
    let (tenant, line) = setup.tenant_with_line().await;
    let faults = [
        json!({"fault": "garbage"}),
        json!({"fault": "reset_after_accept"}),
        json!({"fault": "bad_gateway"}),
        json!({"fault": "error", "code": 131_026, "details": format!("{TEXT} cannot be delivered")}),
        json!({"fault": "failed_status", "code": 131_026}),
        // Last, as it pauses the account.
        json!({"fault": "error", "code": 190, "message": format!("Malformed access token {}", line.token)}),
    ];
    let conversations = setup.meta.conversations(&tenant, &line, faults.len()).await;
    let mut sent = Vec::new();
    for (mut fault, (phone, conversation)) in faults.into_iter().zip(&conversations) {
        let status = if fault["code"] == 190 { "held" } else { "" };
        fault["to"] = format!("+{phone}").into();
        setup.meta.fault(&line, fault).await;
        let message = tenant.send_text(conversation, TEXT).await;
        if status.is_empty() {
            setup.wait_until_settled(crate::kit::sending_setup::LIMIT).await;
        } else {
            setup.wait_for(&tenant, &message, status).await;
        }
        sent.push(message);
    }
    let secrets = secrets(&line);
    for (name, server) in [("the API's log", &setup.api), ("the sender's log", &sender)] {
        let log = server.log();
        assert!(!log.is_empty());
        for entry in log {
            assert_without(&secrets, name, &entry.to_string());
        }
    }
    let other = setup.tenant().await;
    for message in &sent {
        let path = format!("/crm/messages/{}", message.id);
        let read = tenant.client.get(&path).await;
        assert_without(&secrets[..1], &path, &read.text);
        let read: Value = read.json(200);
        assert_without(&secrets, &path, &read["error"].to_string());
        let attempts = tenant.client.get(&format!("{path}/attempts")).await;
        assert_without(&secrets[..1], "the attempts", &attempts.text);
        for path in [path.clone(), format!("{path}/attempts")] {
            let refused = other.client.get(&path).await;
            refused.expect(404);
            assert_without(&secrets, "another tenant's answer", &refused.text);
        }
    }
    let account = tenant.client.get(&format!("/whatsapp-accounts/{}", line.account.id)).await;
    assert_without(&secrets, "the account", &account.text);
    // The token is stored sealed only, and what Meta said of it is not stored.
    for table in
        ["whatsapp_accounts", "account_credentials", "sends", "send_attempts", "sending_pauses", "audit_records"]
    {
        let rows = format!("SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]')::text AS finding FROM {table} t");
        assert_without(&secrets[..1], table, &setup.deployment.database.text(&rows).await);
    }
    setup.shut_down([sender]).await;
}
