//! An HTTP client of the API.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::api::{Page, Problem, Resource, Versioned};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// An address that is used once.
pub(crate) fn fresh_address() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let [_, high, middle, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    format!("10.{high}.{middle}.{low}")
}

/// A client of one server, with or without a token.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    headers: HeaderMap,
}

#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Client {
    pub(crate) fn new(base: impl Into<String>) -> Self {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).no_proxy().build().unwrap();
        Self { http, base: base.into(), headers: HeaderMap::new() }
    }

    /// The same client with one more header.
    pub(crate) fn with(&self, name: &'static str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        client
    }

    pub(crate) fn with_token(&self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    /// The same client from another address; the server trusts the test as a proxy.
    pub(crate) fn with_address(&self, address: &str) -> Self {
        let mut client = self.clone();
        client.headers.insert(X_FORWARDED_FOR, HeaderValue::from_str(address).unwrap());
        client
    }

    /// The same client from an unused address.
    pub(crate) fn with_fresh_address(&self) -> Self {
        self.with_address(&fresh_address())
    }

    /// The client address as the server sees it.
    pub(crate) fn address(&self) -> &str {
        self.headers.get(X_FORWARDED_FOR).map_or("127.0.0.1", |value| value.to_str().unwrap())
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.with("content-type", "application/json").send(Method::POST, path, Some(body.to_string().into())).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Response {
        let client = self.with("content-type", "application/merge-patch+json");
        client.send(Method::PATCH, path, Some(body.to_string().into())).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Response {
        self.with("content-type", "application/json").send(Method::PUT, path, Some(body.to_string().into())).await
    }

    /// A request without a body.
    pub(crate) async fn put_empty(&self, path: &str) -> Response {
        self.send(Method::PUT, path, None).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Response {
        self.send(Method::DELETE, path, None).await
    }

    /// The body of a `GET` that is answered 200.
    pub(crate) async fn read<T: DeserializeOwned>(&self, path: &str) -> T {
        self.get(path).await.body(200)
    }

    /// The items on the first page of a list, or on the page of a cursor.
    pub(crate) async fn list<T: DeserializeOwned>(&self, path: &str) -> Vec<T> {
        self.read::<Page<T>>(path).await.data
    }

    /// The first hundred of a resource's list.
    pub(crate) async fn all<T: Resource>(&self) -> Vec<T> {
        self.list(&format!("{}?limit=100", T::LIST)).await
    }

    /// Posts to a resource's list.
    pub(crate) async fn create<T: Resource>(&self, body: &Value) -> T {
        self.post(T::LIST, body).await.body(201)
    }

    /// Patches with the version that was read, which must be the latest.
    pub(crate) async fn change<T: Versioned>(&self, seen: &T, change: Value) -> T {
        self.try_change(seen, change).await.body(200)
    }

    /// Patches with the version that was read.
    pub(crate) async fn try_change<T: Versioned>(&self, seen: &T, mut change: Value) -> Response {
        change["version"] = json!(seen.version());
        self.patch(&seen.path(), &change).await
    }

    /// Reads a resource again.
    pub(crate) async fn reload<T: Resource>(&self, seen: &T) -> T {
        self.read(&seen.path()).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Response {
        self.try_send(method, path, body).await.expect("the server answers")
    }

    /// The response to a `GET`, whose body is not read yet.
    pub(crate) async fn stream(&self, path: &str) -> reqwest::Response {
        let request = self.http.get(format!("{}{path}", self.base)).headers(self.headers.clone());
        request.send().await.expect("the server answers")
    }

    pub(crate) async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Response, reqwest::Error> {
        let request = self.http.request(method, format!("{}{path}", self.base)).headers(self.headers.clone());
        let request = match body {
            Some(body) => request.body(body),
            None => request,
        };
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Response { status, headers, text: response.text().await? })
    }
}

/// Repeats a request while the server answers 503 for lack of a connection, which has no effect.
pub(crate) async fn retry_while_unavailable(ask: impl AsyncFn() -> Response) -> Response {
    loop {
        let answer = ask().await;
        if answer.status != StatusCode::SERVICE_UNAVAILABLE {
            return answer;
        }
    }
}

impl Response {
    /// The body, after checking the status.
    #[track_caller]
    pub(crate) fn body<T: DeserializeOwned>(&self, status: u16) -> T {
        self.expect(status);
        let kind = std::any::type_name::<T>();
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("no {kind} ({error}): {}", self.text))
    }

    /// The body as JSON, for tests of the wire itself.
    #[track_caller]
    pub(crate) fn json(&self, status: u16) -> Value {
        self.body(status)
    }

    /// All headers except those that differ in every response.
    pub(crate) fn stable_headers(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        headers.remove("date");
        headers.remove("x-request-id");
        headers
    }

    /// Checks the status; there may be no body.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
    }

    /// The body of a problem, after checking its status, code and required members.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Problem {
        let problem: Problem = self.body(status);
        assert_eq!(problem.code, code, "{problem}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem.status, status);
        assert_eq!(problem.request_id.as_deref(), Some(self.header("x-request-id")));
        for text in [&problem.kind, &problem.title, &problem.detail] {
            assert!(!text.is_empty(), "an empty text in {problem}");
        }
        problem
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
