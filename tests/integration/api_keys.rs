//! API keys: made, used, rotated, changed and ended. What attackers try is in `attacks`.

mod attacks;
mod management;
mod people;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::kit::app::TestApp;
use crate::kit::client::Client;

/// All permissions that keys can hold.
const ALL: [&str; 6] = ["crm:write", "messages:send", "events:read", "channels:read", "billing:read", "templates:read"];

/// A key as it is listed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct ApiKey {
    id: String,
    prefix: String,
    permissions: Vec<String>,
    networks: Vec<String>,
    created_by: Option<String>,
    created_at: String,
    expires_at: String,
    last_used_at: Option<String>,
    state: String,
}

/// A key that was made, and a client that uses it.
struct Made {
    key: ApiKey,
    secret: String,
    client: Client,
}

impl Made {
    fn path(&self) -> String {
        format!("/api-keys/{}", self.key.id)
    }
}

/// Makes a key with the client of a user.
async fn make(app: &TestApp, by: &Client, permissions: &[&str]) -> Made {
    make_with(app, by, json!({"name": "Shop", "permissions": permissions})).await
}

async fn make_with(app: &TestApp, by: &Client, body: Value) -> Made {
    let answer = by.post("/api-keys", &body).await;
    let made = answer.json(201);
    let secret = made["secret"].as_str().expect("the secret is shown").to_owned();
    Made { key: answer.body(201), client: app.client.with_token(&secret), secret }
}

async fn read(by: &Client, key: &Made) -> ApiKey {
    by.read(&key.path()).await
}
