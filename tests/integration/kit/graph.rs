//! Meta's Graph API, as far as it tells of tokens, numbers and business accounts: a server with prepared answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use graph::{GraphClient, GraphEndpoint};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::meta::Number;

/// The app that all tokens were made for.
const APP: &str = "7";

/// A server on a free port. It stops with the test's runtime.
#[derive(Clone)]
pub(crate) struct GraphServer {
    pub(crate) port: u16,
    world: Arc<Mutex<World>>,
}

/// What it answers.
#[derive(Default)]
struct World {
    /// By token and path, without version and query.
    answers: HashMap<(String, String), (u16, Value)>,
    is_silent: bool,
    /// The paths of all requests.
    requests: Vec<String>,
}

impl GraphServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let server = Self { port, world: Arc::default() };
        let world = Arc::clone(&server.world);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&world)));
            }
        });
        server
    }

    /// A client as the server's own.
    pub(crate) fn client(&self) -> GraphClient {
        let url = format!("http://127.0.0.1:{}", self.port).parse().expect("it is a URL");
        GraphClient::new(GraphEndpoint { url, version: "v25.0".to_owned() }).expect("the client is made")
    }

    /// The token is valid, and reaches a number that is registered and its business account.
    pub(crate) fn grant(&self, token: &str, number: &Number) {
        let scopes = ["whatsapp_business_messaging", "whatsapp_business_management"];
        let grants = scopes.map(|scope| json!({"scope": scope, "target_ids": [number.waba_id]}));
        let (phone, waba) = (&number.phone_number_id, &number.waba_id);
        let debug = json!({"data": {"app_id": APP, "is_valid": true, "expires_at": 0, "scopes": scopes,
            "granular_scopes": grants}});
        self.answer(token, "/debug_token", 200, debug);
        self.answer(token, &format!("/{phone}"), 200, registered(phone));
        self.answer(token, &format!("/{waba}/phone_numbers"), 200, json!({"data": [{"id": phone}]}));
        self.answer(token, &format!("/{waba}"), 200, json!({"id": waba, "account_review_status": "APPROVED"}));
        let apps = json!({"data": [{"whatsapp_business_api_data": {"id": APP, "name": "Own"}}]});
        self.answer(token, &format!("/{waba}/subscribed_apps"), 200, apps);
    }

    /// Prepares one answer.
    pub(crate) fn answer(&self, token: &str, path: &str, status: u16, body: Value) {
        let mut world = self.world.lock().expect("no test panicked meanwhile");
        world.answers.insert((token.to_owned(), path.to_owned()), (status, body));
    }

    /// Changes a prepared answer of a 200.
    pub(crate) fn change(&self, token: &str, path: &str, change: impl FnOnce(&mut Value)) {
        let mut world = self.world.lock().expect("no test panicked meanwhile");
        let key = (token.to_owned(), path.to_owned());
        change(&mut world.answers.get_mut(&key).expect("the answer is prepared").1);
    }

    /// Whether each answer is a page of a proxy instead of Meta's.
    pub(crate) fn set_silent(&self, is_silent: bool) {
        self.world.lock().expect("no test panicked meanwhile").is_silent = is_silent;
    }

    /// The paths of the requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.world.lock().expect("no test panicked meanwhile").requests.clone()
    }
}

/// A number that Meta's Cloud API has.
fn registered(phone: &str) -> Value {
    json!({"id": phone, "name_status": "APPROVED", "quality_rating": "GREEN", "status": "CONNECTED",
        "platform_type": "CLOUD_API", "throughput": {"level": "STANDARD"}})
}

impl World {
    fn respond(&mut self, head: &str) -> (u16, String) {
        let target = head.split(' ').nth(1).unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default().trim_start_matches("/v25.0").to_owned();
        self.requests.push(path.clone());
        if self.is_silent {
            return (502, "<html>Bad gateway</html>".to_owned());
        }
        let token = head.lines().find_map(|line| line.strip_prefix("authorization: Bearer ")).unwrap_or_default();
        if let Some((status, body)) = self.answers.get(&(token.to_owned(), path)) {
            return (*status, body.to_string());
        }
        let is_known = self.answers.keys().any(|(known, _)| known == token);
        let (status, code, subcode, message) = if is_known {
            (
                400,
                100,
                33,
                "Unsupported get request. Object does not exist or cannot be loaded due to missing permissions",
            )
        } else {
            (401, 190, 463, "Invalid OAuth access token")
        };
        let error = json!({"message": message, "code": code, "error_subcode": subcode, "fbtrace_id": "T"});
        (status, json!({ "error": error }).to_string())
    }
}

async fn serve(mut stream: TcpStream, world: Arc<Mutex<World>>) {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 8 * 1024];
    while let Ok(count) = stream.read(&mut buffer).await {
        if count == 0 {
            return;
        }
        bytes.extend_from_slice(&buffer[..count]);
        // No request has a body.
        if !bytes.ends_with(b"\r\n\r\n") {
            continue;
        }
        let head = String::from_utf8_lossy(&bytes).into_owned();
        let (status, body) = world.lock().expect("no test panicked meanwhile").respond(&head);
        let response = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(response.as_bytes()).await.is_err() {
            return;
        }
        bytes.clear();
    }
}
