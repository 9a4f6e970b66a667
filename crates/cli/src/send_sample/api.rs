use std::error::Error;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::error::SampleError;

const TIMEOUT: Duration = Duration::from_secs(10);

/// A client of the API of a running server.
pub(super) struct Api {
    server: Url,
    client: Client,
    token: SecretString,
}

/// The fields that are used of a WhatsApp account.
#[derive(Debug, Deserialize)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) phone_number_id: String,
    pub(super) waba_id: String,
    pub(super) display_phone_number: Option<String>,
    pub(super) status: String,
}

#[derive(Deserialize)]
struct LoggedIn {
    access_token: String,
}

#[derive(Deserialize)]
struct PageOf<T> {
    data: Vec<T>,
}

impl Api {
    pub(super) fn new(server: Url) -> Result<Self, SampleError> {
        let client = Client::builder().timeout(TIMEOUT).build().map_err(|error| unreachable_at(&server, &error))?;
        Ok(Self { server, client, token: SecretString::default() })
    }

    pub(super) async fn log_in(
        &mut self,
        tenant: &str,
        email: &str,
        password: &SecretString,
    ) -> Result<(), SampleError> {
        let body = json!({ "email": email, "password": password.expose_secret() });
        let request = self.client.post(self.url("/auth/login")?).header("X-Tenant-ID", tenant).json(&body);
        let logged_in: LoggedIn = self.json("logging in", request).await?;
        self.token = logged_in.access_token.into();
        Ok(())
    }

    /// The newest accounts of the tenant.
    pub(super) async fn accounts(&self) -> Result<Vec<Account>, SampleError> {
        let page: PageOf<Account> = self.get("listing the tenant's numbers", "/whatsapp-accounts?limit=100").await?;
        Ok(page.data)
    }

    pub(super) fn webhook(&self) -> Result<Url, SampleError> {
        self.url("/webhooks/whatsapp")
    }

    /// Posts a delivery as Meta does; returns the response's status.
    pub(super) async fn deliver(&self, body: String, signature: &str) -> Result<u16, SampleError> {
        let request = self
            .client
            .post(self.webhook()?)
            .header("Content-Type", "application/json")
            .header("X-Hub-Signature-256", signature)
            .body(body);
        self.send("the delivery", request).await.map(|response| response.status().as_u16())
    }

    /// The message with that id and its conversation, if it is in one of the latest conversations.
    pub(super) async fn find_message(
        &self,
        account: &Account,
        wamid: &str,
    ) -> Result<Option<(Value, Value)>, SampleError> {
        let path = format!("/crm/conversations?limit=5&account={}", account.id);
        let conversations: PageOf<Value> = self.get("listing conversations", &path).await?;
        for conversation in conversations.data {
            let id = conversation["id"].as_str().unwrap_or_default();
            let path = format!("/crm/conversations/{id}/messages?limit=20");
            let messages: PageOf<Value> = self.get("listing messages", &path).await?;
            if let Some(message) = messages.data.into_iter().find(|message| message["wamid"] == wamid) {
                return Ok(Some((conversation, message)));
            }
        }
        Ok(None)
    }

    async fn get<T: DeserializeOwned>(&self, action: &'static str, path: &str) -> Result<T, SampleError> {
        let request = self.client.get(self.url(path)?).bearer_auth(self.token.expose_secret());
        self.json(action, request).await
    }

    async fn json<T: DeserializeOwned>(&self, action: &'static str, request: RequestBuilder) -> Result<T, SampleError> {
        let response = self.send(action, request).await?;
        response.json().await.map_err(|error| SampleError::Unexpected { action, detail: chain(&error) })
    }

    async fn send(&self, action: &'static str, request: RequestBuilder) -> Result<Response, SampleError> {
        let response = request.send().await.map_err(|error| unreachable_at(&self.server, &error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let problem: Value = response.json().await.unwrap_or_default();
        let part = |name: &str| problem[name].as_str().unwrap_or("?").to_owned();
        Err(SampleError::Refused { action, status, detail: format!("{} ({})", part("detail"), part("code")) })
    }

    fn url(&self, path: &str) -> Result<Url, SampleError> {
        self.server.join(path).map_err(|_| SampleError::Server(self.server.to_string()))
    }
}

fn unreachable_at(server: &Url, error: &reqwest::Error) -> SampleError {
    SampleError::Unreachable { server: server.to_string(), reason: chain(error) }
}

/// The causes of the error; its own text says only that sending failed.
fn chain(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(error.source(), |&error| error.source());
    let texts = causes.map(ToString::to_string).collect::<Vec<_>>();
    if texts.is_empty() { error.to_string() } else { texts.join(": ") }
}
