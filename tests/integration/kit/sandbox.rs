//! The stand-in for Meta and for the customer's phone, in the process of the tests.

use sandbox::{Options, Sandbox};
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{Conversation, Message, WhatsAppAccount};
use super::app::{Settings, TestApp, TestTenant};
use super::customer::fresh_phone;
use super::meta::{APP_SECRET, Number, fresh_digits};
use super::wait;

pub(crate) struct MetaSandbox {
    sandbox: Sandbox,
    http: reqwest::Client,
}

/// A request that the sandbox accepted.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Sent {
    /// In milliseconds since 1970.
    pub(crate) received_at_ms: i64,
    pub(crate) phone_number_id: String,
    pub(crate) kind: String,
    pub(crate) to: Option<String>,
    pub(crate) recipient: Option<String>,
    pub(crate) wamid: Option<String>,
    pub(crate) biz_opaque_callback_data: Option<String>,
    pub(crate) body: Value,
}

/// A number that a tenant connected and can send from.
pub(crate) struct Line {
    pub(crate) account: WhatsAppAccount,
    pub(crate) number: Number,
    pub(crate) token: String,
}

impl MetaSandbox {
    pub(crate) fn start() -> Self {
        let sandbox = Sandbox::start(Options::default()).expect("the sandbox starts");
        Self { sandbox, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    pub(crate) fn port(&self) -> u16 {
        self.sandbox.address().port()
    }

    pub(crate) fn url(&self) -> String {
        self.sandbox.url()
    }

    /// A server with all roles that calls this sandbox.
    pub(crate) async fn app(&self) -> TestApp {
        TestApp::start_with(Settings { pipeline: true, graph_port: self.port(), ..Settings::default() }).await
    }

    /// Makes a number, and connects it to the tenant with its token.
    pub(crate) async fn line(&self, app: &TestApp, tenant: &TestTenant) -> Line {
        self.line_with(app.client.base(), tenant, json!({})).await
    }

    pub(crate) async fn line_with(&self, server: &str, tenant: &TestTenant, settings: Value) -> Line {
        let (number, token) = (Number::fresh(), format!("EAA{}", fresh_digits()));
        let mut body = json!({
            "phone_number_id": number.phone_number_id, "waba_id": number.waba_id, "tokens": [token],
            "app_secret": APP_SECRET, "webhook_url": format!("{server}/webhooks/whatsapp"),
        });
        merge(&mut body, settings);
        self.post("/numbers", &body).await;
        let account = tenant.connect_number(&number).await;
        let path = format!("/whatsapp-accounts/{}", account.id);
        let account = tenant.client.patch(&path, &json!({"access_token": token})).await.body(200);
        Line { account, number, token }
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        self.call(reqwest::Method::POST, path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Value {
        self.call(reqwest::Method::PATCH, path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) {
        self.call(reqwest::Method::DELETE, path, &json!({})).await;
    }

    async fn call(&self, method: reqwest::Method, path: &str, body: &Value) -> Value {
        let url = format!("{}/sandbox{path}", self.sandbox.url());
        let answer = self.http.request(method, url).json(body).send().await.expect("the sandbox answers");
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let url = format!("{}/sandbox{path}", self.sandbox.url());
        self.http.get(url).send().await.unwrap().json().await.unwrap()
    }

    /// A fault of a number, as the sandbox takes it.
    pub(crate) async fn fault(&self, line: &Line, mut fault: Value) {
        fault["phone_number_id"] = line.number.phone_number_id.as_str().into();
        self.post("/faults", &fault).await;
    }

    /// What was accepted for a number, oldest first.
    pub(crate) async fn journal(&self, line: &Line) -> Vec<Sent> {
        let path = format!("/journal?number={}&limit=100000", line.number.phone_number_id);
        serde_json::from_value(self.get(&path).await["entries"].clone()).expect("the journal is as described")
    }

    /// What was accepted for all numbers, oldest first.
    pub(crate) async fn whole_journal(&self) -> Vec<Sent> {
        serde_json::from_value(self.get("/journal?limit=1000000").await["entries"].clone())
            .expect("the journal is as described")
    }

    /// Whether all webhooks have been delivered.
    pub(crate) async fn is_quiet(&self) -> bool {
        let state = self.get("/state").await;
        state["statuses_scheduled"] == 0 && state["updates_waiting"] == 0
    }

    /// Holds webhooks back, or lets them go.
    pub(crate) async fn pause_webhooks(&self, paused: bool) {
        self.post("/webhooks", &json!({"paused": paused})).await;
    }

    /// A file that a customer is going to send. Returns Meta's id of it.
    pub(crate) async fn customer_file(&self, line: &Line, mime_type: &str, bytes: &[u8]) -> String {
        let url = format!("{}/sandbox/media", self.sandbox.url());
        let query = [("phone_number_id", line.number.phone_number_id.as_str()), ("mime_type", mime_type)];
        let url = reqwest::Url::parse_with_params(&url, query).unwrap();
        let answer = self.http.post(url).body(bytes.to_vec()).send().await.unwrap();
        let body: Value = answer.json().await.unwrap();
        body["id"].as_str().expect("the sandbox names the file").to_owned()
    }

    /// A customer writes a text.
    pub(crate) async fn write(&self, line: &Line, from: &str, text: &str) {
        let body = json!({"phone_number_id": line.number.phone_number_id, "from": from, "type": "text",
            "text": {"body": text}});
        self.post("/phone/messages", &body).await;
    }

    /// A new customer writes; returns their number and the conversation.
    pub(crate) async fn conversation(&self, tenant: &TestTenant, line: &Line) -> (String, Conversation) {
        let phone = fresh_phone();
        self.write(line, &phone, "Hello").await;
        let path = format!("/crm/conversations?account={}&limit=100", line.account.id);
        let conversation = wait::until("the conversation", async || {
            let found: Vec<Conversation> = tenant.client.get(&path).await.body::<super::api::Page<_>>(200).data;
            for conversation in found {
                let contact: Value =
                    tenant.client.get(&format!("/crm/contacts/{}", conversation.contact_id)).await.json(200);
                if contact["identities"].to_string().contains(&phone) {
                    return Some(conversation);
                }
            }
            None
        });
        let conversation = conversation.await;
        (phone, conversation)
    }
}

impl MetaSandbox {
    /// So many new customers write, at most 100; returns their numbers and the conversations.
    pub(crate) async fn conversations(
        &self,
        tenant: &TestTenant,
        line: &Line,
        count: usize,
    ) -> Vec<(String, Conversation)> {
        let phones: Vec<String> = (0..count).map(|_| fresh_phone()).collect();
        for phone in &phones {
            self.write(line, phone, "Hello").await;
        }
        let limit = std::time::Duration::from_mins(1);
        let path = format!("/crm/conversations?account={}&limit=100", line.account.id);
        let found = wait::within(limit, "the conversations", async || {
            let found: Vec<Conversation> = tenant.client.list(&path).await;
            (found.len() >= count).then_some(found)
        })
        .await;
        let contacts: Value = tenant.client.get("/crm/contacts?limit=100").await.json(200);
        let contacts = contacts["data"].as_array().unwrap();
        let with = |phone: String| {
            let has_phone = |contact: &&Value| contact["identities"].to_string().contains(&phone);
            let contact = contacts.iter().find(has_phone).expect("each customer is a contact");
            let conversation = found.iter().find(|it| contact["id"] == it.contact_id.as_str());
            (phone, conversation.expect("each customer has a conversation").clone())
        };
        phones.into_iter().map(with).collect()
    }
}

impl TestTenant {
    /// Sends a text in a conversation.
    pub(crate) async fn send_text(&self, conversation: &Conversation, text: &str) -> Message {
        self.send(conversation, &json!({"type": "text", "text": {"body": text}})).await
    }

    pub(crate) async fn send(&self, conversation: &Conversation, body: &Value) -> Message {
        self.client.post(&format!("/crm/conversations/{}/messages", conversation.id), body).await.body(202)
    }

    pub(crate) async fn read_message(&self, id: &str) -> Message {
        self.client.get(&format!("/crm/messages/{id}")).await.body(200)
    }

    /// Waits until a message has a status.
    pub(crate) async fn wait_for_status(&self, message: &Message, status: &str) -> Message {
        let mut last = String::new();
        let what = format!("the status {status}");
        wait::until(&what, async || {
            let message = self.read_message(&message.id).await;
            if message.status.as_deref() == Some(status) {
                return Some(message);
            }
            let now = format!("{:?} {:?}", message.status, message.error);
            if now != last {
                last = now;
            }
            None
        })
        .await
    }
}

fn merge(into: &mut Value, from: Value) {
    if let (Some(into), Value::Object(from)) = (into.as_object_mut(), from) {
        into.extend(from);
    }
}
