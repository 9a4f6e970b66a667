//! A sandbox, its client, and a receiver of its webhooks.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use reqwest::{Method, Response};
use ring::hmac;
use sandbox::{NumberOption, Options, Sandbox};
use serde_json::{Value, json};

pub(crate) const NUMBER: &str = "106540352242922";
pub(crate) const WABA: &str = "102290129340398";
pub(crate) const TOKEN: &str = "token-of-the-number";
pub(crate) const CUSTOMER: &str = "+15550100011";
const SECRET: &str = "secret-of-the-app";

/// A sandbox with one number, whose webhooks the receiver gets.
pub(crate) struct Kit {
    sandbox: Sandbox,
    client: reqwest::Client,
    pub(crate) receiver: Receiver,
}

impl Kit {
    pub(crate) async fn start() -> Self {
        let receiver = Receiver::start();
        let number = NumberOption {
            phone_number_id: NUMBER.to_owned(),
            waba_id: WABA.to_owned(),
            token: TOKEN.to_owned(),
            display_phone_number: Some("15550100001".to_owned()),
            verified_name: None,
        };
        let options = Options {
            app_secret: SECRET.to_owned(),
            webhook_url: Some(receiver.url.clone()),
            numbers: vec![number],
            ..Options::default()
        };
        let kit = Self { sandbox: Sandbox::start(options).unwrap(), client: reqwest::Client::new(), receiver };
        // Statuses at once, so that tests need not wait.
        let statuses = json!({"sent_after_ms": 0, "delivered_after_ms": 0});
        kit.admin(Method::PATCH, &format!("numbers/{NUMBER}"), json!({ "statuses": statuses })).await;
        kit
    }

    /// As [`Kit::start`], with an open window.
    pub(crate) async fn with_open_window() -> Self {
        let kit = Self::start().await;
        kit.customer_writes("hello").await;
        kit
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.sandbox.url())
    }

    /// A call to the Graph API with a token, as it comes.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> reqwest::Result<Response> {
        let mut request = self.client.request(method, self.url(&format!("v25.0/{path}"))).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.call(Method::GET, path, TOKEN, None).await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn try_send(&self, body: &Value) -> reqwest::Result<Response> {
        self.call(Method::POST, &format!("{NUMBER}/messages"), TOKEN, Some(body)).await
    }

    /// Sends, and answers the HTTP status and the body.
    pub(crate) async fn send(&self, body: &Value) -> (u16, Value) {
        let response = self.try_send(body).await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Sends what must be accepted, and answers its id.
    pub(crate) async fn accepted(&self, body: &Value) -> String {
        let (status, answer) = self.send(body).await;
        assert_eq!(status, 200, "{answer}");
        answer["messages"][0]["id"].as_str().unwrap().to_owned()
    }

    /// The code with which this is refused.
    pub(crate) async fn refused(&self, body: &Value) -> i64 {
        let (_, answer) = self.send(body).await;
        answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("accepted: {answer}"))
    }

    pub(crate) async fn admin(&self, method: Method, path: &str, body: Value) -> Value {
        let response =
            self.client.request(method, self.url(&format!("sandbox/{path}"))).json(&body).send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    pub(crate) async fn fault(&self, fault: Value) {
        self.admin(Method::POST, "faults", fault).await;
    }

    pub(crate) async fn journal(&self) -> Vec<Value> {
        let journal = self.admin(Method::GET, "journal", json!({})).await;
        journal["entries"].as_array().unwrap().clone()
    }

    /// Answers the id of the message.
    pub(crate) async fn customer_writes(&self, text: &str) -> String {
        let message = json!({"phone_number_id": NUMBER, "from": CUSTOMER, "text": text});
        let written = self.admin(Method::POST, "phone/messages", message).await;
        written["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn advance_clock(&self, duration: Duration) {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap();
        self.admin(Method::POST, "clock", json!({ "advance_ms": milliseconds })).await;
    }

    pub(crate) async fn chat(&self) -> Value {
        let path = format!("phone/chat?phone_number_id={NUMBER}&from=15550100011");
        self.admin(Method::GET, &path, json!({})).await
    }

    /// The statuses of a message that arrived, as soon as there are this many.
    pub(crate) async fn statuses(&self, id: &str, count: usize) -> Vec<Value> {
        until(async || {
            let statuses = self.receiver.statuses(id);
            (statuses.len() >= count).then_some(statuses)
        })
        .await
    }

    pub(crate) async fn status_names(&self, id: &str, count: usize) -> Vec<String> {
        let statuses = self.statuses(id, count).await;
        statuses.iter().map(|status| status["status"].as_str().unwrap().to_owned()).collect()
    }
}

pub(crate) fn text(to: &str, body: &str) -> Value {
    json!({"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": body}})
}

/// Waits until there is an answer.
pub(crate) async fn until<T>(mut check: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "waited in vain");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Gets webhooks and checks their signatures.
pub(crate) struct Receiver {
    pub(crate) url: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    bodies: Mutex<Vec<Value>>,
    /// How many of the next requests are answered with 503.
    refusing: Mutex<u32>,
    refused: Mutex<u32>,
}

impl Receiver {
    fn start() -> Self {
        let state = Arc::new(State::default());
        let data = Data::from(Arc::clone(&state));
        let app = move || App::new().app_data(data.clone()).route("/hook", web::post().to(receive));
        let (started, wait) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
                started.send(server.addrs()[0]).unwrap();
                server.run().await.unwrap();
            });
        });
        Self { url: format!("http://{}/hook", wait.recv().unwrap()), state }
    }

    pub(crate) fn refuse(&self, count: u32) {
        *self.state.refusing.lock().unwrap() = count;
    }

    pub(crate) fn refused(&self) -> u32 {
        *self.state.refused.lock().unwrap()
    }

    /// The values of all changes of a field that arrived.
    pub(crate) fn changes(&self, field: &str) -> Vec<Value> {
        let bodies = self.state.bodies.lock().unwrap();
        let mut values = Vec::new();
        for entry in bodies.iter().flat_map(|body| body["entry"].as_array().unwrap()) {
            for change in entry["changes"].as_array().unwrap().iter().filter(|change| change["field"] == field) {
                values.push(change["value"].clone());
            }
        }
        values
    }

    pub(crate) fn statuses(&self, id: &str) -> Vec<Value> {
        let changes = self.changes("messages");
        let statuses = changes.iter().filter_map(|value| value["statuses"].as_array()).flatten();
        statuses.filter(|status| status["id"] == id).cloned().collect()
    }

    pub(crate) fn messages(&self) -> Vec<Value> {
        let changes = self.changes("messages");
        changes.iter().filter_map(|value| value["messages"].as_array()).flatten().cloned().collect()
    }
}

async fn receive(request: HttpRequest, body: Bytes, state: Data<State>) -> HttpResponse {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let header = request.headers().get("X-Hub-Signature-256").and_then(|value| value.to_str().ok());
    let signature = header.and_then(|value| value.strip_prefix("sha256=")).and_then(|digits| hex::decode(digits).ok());
    if signature.is_none_or(|signature| hmac::verify(&key, &body, &signature).is_err()) {
        return HttpResponse::Unauthorized().finish();
    }
    let mut refusing = state.refusing.lock().unwrap();
    if *refusing > 0 {
        *refusing -= 1;
        *state.refused.lock().unwrap() += 1;
        return HttpResponse::ServiceUnavailable().finish();
    }
    state.bodies.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
    HttpResponse::Ok().finish()
}
