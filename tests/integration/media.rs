//! Files of messages: fetched from Meta, which the sandbox stands in for, and kept in an object store.

mod receiving;
mod sending_files;
mod sweeping;
mod uploading;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::kit::api::Message;
use crate::kit::app::{Settings, TestApp, TestTenant};
use crate::kit::customer::fresh_phone;
use crate::kit::meta::fresh_digits;
use crate::kit::sandbox::{Line, MetaSandbox};
use crate::kit::{media_store, wait};

struct Setup {
    meta: MetaSandbox,
    app: TestApp,
    tenant: TestTenant,
    line: Line,
    /// Where the server keeps files.
    folder: PathBuf,
}

impl Setup {
    async fn new() -> Self {
        let meta = MetaSandbox::start();
        let folder = media_store::folder(&fresh_digits());
        let store: &'static str = Box::leak(media_store::url(&folder).into_boxed_str());
        let settings =
            Settings { pipeline: true, graph_port: meta.port(), media_store: Some(store), ..Settings::default() };
        let app = TestApp::start_with(settings).await;
        let tenant = app.tenant().await;
        let line = meta.line(&app, &tenant).await;
        Self { meta, app, tenant, line, folder }
    }

    /// A new customer sends a file to a number. Returns the wamid.
    async fn receive_at(&self, line: &Line, kind: &str, mime_type: &str, bytes: &[u8]) -> String {
        let id = self.meta.customer_file(line, mime_type, bytes).await;
        let message = json!({"phone_number_id": line.number.phone_number_id, "from": fresh_phone(), "type": kind,
            kind: {"id": id}});
        let sent = self.meta.post("/phone/messages", &message).await;
        sent["id"].as_str().unwrap().to_owned()
    }

    async fn receive(&self, bytes: &[u8]) -> String {
        self.receive_at(&self.line, "image", "image/png", bytes).await
    }

    /// What is stored of the file of a message; empty until it has one.
    async fn column(&self, wamid: &str, column: &str) -> String {
        let query = format!(
            "SELECT coalesce((SELECT {column}::text FROM media f JOIN message_media l ON l.media_id = f.id
               JOIN messages m ON m.id = l.message_id WHERE m.wamid = '{wamid}'), '') AS finding"
        );
        self.app.database.text(&query).await
    }

    async fn state(&self, wamid: &str) -> String {
        self.column(wamid, "f.state").await
    }

    async fn wait_for_state(&self, wamid: &str, state: &str) {
        wait::until(state, async || (self.state(wamid).await == state).then_some(())).await;
    }

    /// Waits for the end of a file, while its retries are always due.
    async fn end_of(&self, wamid: &str) -> String {
        let mut failures = "0".to_owned();
        let limit = std::time::Duration::from_mins(3);
        wait::within(limit, "the end of a file", async || {
            let state = self.state(wamid).await;
            let now = self.column(wamid, "f.failures").await;
            if state == "waiting" && now != failures {
                failures = now;
                // What only ends with its deadline gets there in a few attempts.
                let is_seldom = failures.parse::<i32>().unwrap() > 6;
                self.advance(if is_seldom { 26 * 60 } else { 125 }).await;
            }
            (!state.is_empty() && state != "waiting").then_some(state)
        })
        .await
    }

    /// Moves the clocks of the server and of Meta.
    async fn advance(&self, minutes: i64) {
        let by = chrono::TimeDelta::minutes(minutes);
        self.app.clock.advance(by);
        self.meta.post("/clock", &json!({"advance_ms": by.num_milliseconds()})).await;
    }

    async fn message(&self, wamid: &str) -> Message {
        let id =
            self.app.database.text(&format!("SELECT id::text AS finding FROM messages WHERE wamid = '{wamid}'")).await;
        self.tenant.log_in_again(&self.app).await.read_message(&id).await
    }

    /// The names of all objects in the store.
    fn objects(&self) -> Vec<String> {
        let mut names = Vec::new();
        for tenant in std::fs::read_dir(&self.folder).unwrap() {
            let tenant = tenant.unwrap();
            if !tenant.path().is_dir() || tenant.file_name() == "unfinished" {
                continue;
            }
            for file in std::fs::read_dir(tenant.path()).unwrap() {
                let file = file.unwrap().file_name().into_string().unwrap();
                names.push(format!("{}/{file}", tenant.file_name().into_string().unwrap()));
            }
        }
        names.sort();
        names
    }
}

fn fault(name: &str, members: &Value) -> Value {
    let mut fault = members.clone();
    fault["fault"] = name.into();
    fault
}
