use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, RequestBuilder, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use crate::answer::{Answer, CallFailure};

/// Where the Graph API is.
#[derive(Clone, Debug)]
pub struct GraphEndpoint {
    /// Such as `https://graph.facebook.com`.
    pub url: Url,
    /// Such as `v25.0`.
    pub version: String,
}

/// Calls Meta's Graph API. Clones share their connections.
#[derive(Clone, Debug)]
pub struct GraphClient {
    pub(crate) http: Client,
    /// For files: these calls may take long, but may not be silent for long.
    pub(crate) files: Client,
    pub(crate) endpoint: GraphEndpoint,
}

/// The client could not be made: the machine's TLS library refused.
#[derive(Debug, thiserror::Error)]
#[error("no HTTP client for Meta's Graph API: {0}")]
pub struct ClientError(reqwest::Error);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// From the start of a call to the last byte of its answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two pieces of a file.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(20);
/// A connection that Meta closes while a request leaves makes the outcome unclear, so idle ones are not kept for long.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
const TCP_KEEPALIVE: Duration = Duration::from_secs(15);

impl GraphClient {
    /// # Errors
    /// [`ClientError`].
    pub fn new(endpoint: GraphEndpoint) -> Result<Self, ClientError> {
        Self::with_timeout(endpoint, CALL_TIMEOUT)
    }

    pub(crate) fn with_timeout(endpoint: GraphEndpoint, timeout: Duration) -> Result<Self, ClientError> {
        let http = Self::builder().timeout(timeout).build().map_err(ClientError)?;
        let files = Self::builder().read_timeout(timeout.min(SILENCE_TIMEOUT)).build().map_err(ClientError)?;
        Ok(Self { http, files, endpoint })
    }

    fn builder() -> ClientBuilder {
        Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // A connection carries one call at a time, so that a slow answer delays no other call.
            .http1_only()
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tcp_keepalive(TCP_KEEPALIVE)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .user_agent(concat!("parley/", env!("CARGO_PKG_VERSION")))
    }

    /// The URL of a path, whose segments are escaped.
    pub(crate) fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.endpoint.url.clone();
        url.set_query(None);
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(&self.endpoint.version).extend(segments);
        }
        url
    }

    pub(crate) fn get_request(&self, url: Url, token: &SecretString) -> RequestBuilder {
        self.http.get(url).bearer_auth(token.expose_secret())
    }

    /// Reads a JSON body; the call takes `timeout` at most.
    pub(crate) async fn get_json<T: DeserializeOwned>(
        &self,
        url: Url,
        token: &SecretString,
        timeout: Duration,
    ) -> Result<T, CallFailure> {
        self.call(self.get_request(url, token).timeout(timeout), token).await?.json()
    }

    pub(crate) fn post_request(&self, url: Url, token: &SecretString) -> RequestBuilder {
        self.http.post(url).bearer_auth(token.expose_secret())
    }

    pub(crate) fn delete_request(&self, url: Url, token: &SecretString) -> RequestBuilder {
        self.http.delete(url).bearer_auth(token.expose_secret())
    }

    /// Makes the call, which has this token, and reads its answer.
    pub(crate) async fn call(&self, request: RequestBuilder, token: &SecretString) -> Result<Answer, CallFailure> {
        let response = request.send().await.map_err(CallFailure::of_request)?;
        Answer::read(response, token).await
    }
}
