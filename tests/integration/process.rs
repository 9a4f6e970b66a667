//! The real program: started, killed and started again.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::kit::app::PASSWORD;
use crate::kit::client::Client;
use crate::kit::database::{self, TestDatabase};
use crate::kit::machine::Turn;
use crate::kit::meta::{APP_SECRET, Number, VERIFY_TOKEN, fresh_digits, signature, text};
use crate::kit::services::services;
use crate::kit::{broker, wait};

/// A running server in a process of its own.
struct Server {
    child: Child,
    client: Client,
}

/// What one server after another is started with.
struct Deployment {
    database: TestDatabase,
    namespace: String,
    self_service: bool,
    _turn: Turn,
}

impl Deployment {
    async fn new() -> Self {
        let turn = Turn::shared().await;
        Self {
            database: database::alone().await,
            namespace: broker::fresh_namespace(),
            self_service: true,
            _turn: turn,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_parley-under-test")));
        command
            .args(arguments)
            .env_clear()
            .env("PARLEY_DATABASE_URL", &self.database.app_url)
            .env("PARLEY_DATABASE_PLATFORM_URL", &self.database.platform_url)
            .env("PARLEY_DATABASE_OWNER_URL", &self.database.owner_url)
            .env("PARLEY_AMQP_NAMESPACE", &self.namespace)
            .env("PARLEY_HTTP_LISTEN", "127.0.0.1:0")
            .env("PARLEY_HTTP_METRICS_LISTEN", "127.0.0.1:0")
            .env("PARLEY_KEYS_ENCRYPTION", "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
            .env("PARLEY_WHATSAPP_APP_SECRET", APP_SECRET)
            .env("PARLEY_WHATSAPP_VERIFY_TOKEN", VERIFY_TOKEN)
            .env("PARLEY_CHANNELS_SELF_SERVICE", self.self_service.to_string())
            .env("PARLEY_LOG_FORMAT", "json");
        command
    }

    async fn serve(&self) -> Server {
        self.serve_as("api,relay,worker").await
    }

    async fn serve_as(&self, roles: &str) -> Server {
        let mut child = self
            .command(&["serve", "--roles", roles])
            .env("PARLEY_AMQP_URL", &services().await.amqp_url)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = tokio::task::spawn_blocking(move || {
            let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
                let line: serde_json::Value = serde_json::from_str(&line).expect("each line of the log is JSON");
                (line["message"] == "listening").then(|| line["address"].as_str().unwrap().to_owned())
            });
            // Whoever logs into a full pipe stands still.
            std::thread::spawn(move || lines.for_each(drop));
            address.expect("the server says where it listens")
        })
        .await
        .unwrap();
        Server { child, client: Client::new(format!("http://{address}")) }
    }

    async fn finish(self) {
        broker::delete(&self.namespace).await;
        self.database.drop().await;
    }
}

/// A test that fails leaves no server behind.
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn signal(&self, name: &str) {
        let kill = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
    }

    async fn exit(mut self) -> std::process::ExitStatus {
        tokio::task::spawn_blocking(move || self.child.wait().unwrap()).await.unwrap()
    }
}

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
    let deployment = Deployment { self_service: false, ..Deployment::new().await };
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
