//! The real program: started, killed and started again.

use std::process::Command;

use serde_json::json;

use crate::kit::app::PASSWORD;
use crate::kit::deployment::Deployment;
use crate::kit::meta::{Number, fresh_digits, signature, text};
use crate::kit::services::services;
use crate::kit::wait;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_200_survives_kill_9_and_so_do_users() {
    let deployment = Deployment::new().await;
    // Accepts only: everything else is left to the server that comes after it.
    let server = deployment.serve_as("api").await;
    let signup = json!({"tenant_name": "Acme", "slug": "acme", "email": "ada@example.com", "password": PASSWORD});
    let token =
        server.client.post("/auth/signup", &signup).await.json(201)["access_token"].as_str().unwrap().to_owned();
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
    let conversation = wait::until("the message", async || {
        client.get("/crm/conversations").await.json(200)["data"].as_array().unwrap().first().cloned()
    })
    .await;
    assert_eq!(conversation["last_message_preview"], "survives");
    let login = json!({"email": "ada@example.com", "password": PASSWORD});
    server.client.with("x-tenant-id", "acme").post("/auth/login", &login).await.json(200);

    server.signal("TERM");
    assert!(server.exit().await.success(), "SIGTERM is a clean end");
    deployment.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_refuses_a_role_that_looks_behind_the_wall() {
    let deployment = Deployment::new().await;
    let output = deployment
        .command(&["serve"])
        .env("PARLEY_AMQP_URL", &services().await.amqp_url)
        .env("PARLEY_DATABASE_URL", &deployment.database.admin_url)
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("is a superuser"), "{said}");
    deployment.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_refuses_another_key_encryption_key() {
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
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("key-encryption key") && said.contains("not configured"), "{said}");
    deployment.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_configuration_lists_every_mistake() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parley-under-test"));
    let output = command.arg("serve").env_clear().env("PARLEY_HTTP_LISTEN", "nowhere").output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    for name in [
        "PARLEY_DATABASE_URL",
        "PARLEY_AMQP_URL",
        "PARLEY_KEYS_ENCRYPTION",
        "PARLEY_WHATSAPP_APP_SECRET",
        "http.listen",
    ] {
        assert!(said.contains(name), "{name} in {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_connects_a_number_and_sends_a_sample() {
    let deployment = Deployment::new().await;
    let server = deployment.serve().await;
    let slug = format!("cli-{}", fresh_digits());
    let signup = json!({"tenant_name": "Cli", "slug": slug, "email": "ada@example.com", "password": PASSWORD});
    server.client.post("/auth/signup", &signup).await.json(201);
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
    let said = String::from_utf8_lossy(&sample.stdout);
    assert!(sample.status.success(), "{said}{}", String::from_utf8_lossy(&sample.stderr));
    assert!(said.contains("Hello from the command line") && said.contains("\"unread_count\": 1"), "{said}");
    server.signal("TERM");
    assert!(server.exit().await.success());
    deployment.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_approves_a_claim() {
    let deployment = Deployment::new().await.with("PARLEY_CHANNELS_SELF_SERVICE", "false");
    let server = deployment.serve().await;
    let signup = json!({"tenant_name": "Claims", "slug": "claims", "email": "ada@example.com", "password": PASSWORD});
    let signed_up = server.client.post("/auth/signup", &signup).await.json(201);
    let client = server.client.with_token(signed_up["access_token"].as_str().unwrap());
    let number = Number::fresh();
    let claim = json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id});
    let account = client.post("/whatsapp-accounts", &claim).await.json(201);
    assert_eq!(account["status"], "pending");

    let id = account["id"].as_str().unwrap();
    let listed = deployment.command(&["whatsapp", "list"]).output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains(id) && listed.contains("pending") && listed.contains("claims"), "{listed}");
    assert!(deployment.command(&["whatsapp", "approve", id]).status().unwrap().success());
    assert!(
        !deployment.command(&["whatsapp", "approve", id]).status().unwrap().success(),
        "it is not pending any more"
    );
    assert_eq!(client.get("/whatsapp-accounts").await.json(200)["data"][0]["status"], "active");

    server.signal("TERM");
    assert!(server.exit().await.success());
    deployment.finish().await;
}
