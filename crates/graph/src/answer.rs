use std::error::Error;

use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use whatsapp::GraphError;

use crate::error_body::read_error;

/// More of an answer is not read. Meta's answers have a few KiB.
pub(crate) const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// A call without the answer that it asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CallFailure {
    /// Meta answered with an error of its own.
    Refused(Box<GraphError>),
    /// No byte of the request was written.
    NotSent(String),
    Unclear {
        reason: String,
        http_status: Option<u16>,
    },
}

impl CallFailure {
    pub(crate) fn of_request(error: reqwest::Error) -> Self {
        if error.is_connect() || error.is_builder() {
            return Self::NotSent(describe(error));
        }
        Self::Unclear { reason: describe(error), http_status: None }
    }
}

impl Answer {
    /// Reads the answer to a call with this token. Meta repeats a malformed token in its words, so it is struck out.
    pub(crate) async fn read(mut response: Response, token: &SecretString) -> Result<Self, CallFailure> {
        let status = response.status();
        let unclear = |reason| CallFailure::Unclear { reason, http_status: Some(status.as_u16()) };
        let headers = std::mem::take(response.headers_mut());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unclear(describe(error)))? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(unclear("the answer has more than 1 MiB".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Self { status, headers, body: without_token(body, token.expose_secret()) })
    }

    /// The body of a 200 or 201 without an error of Meta's.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, CallFailure> {
        if let Some(error) = read_error(self.status, &self.headers, &self.body) {
            return Err(CallFailure::Refused(Box::new(error)));
        }
        let is_success = matches!(self.status, StatusCode::OK | StatusCode::CREATED);
        let body = is_success.then(|| serde_json::from_slice(&self.body).ok()).flatten();
        body.ok_or_else(|| self.unclear())
    }

    /// What is said of an answer that is neither an error of Meta's nor what was expected.
    pub(crate) fn unclear(&self) -> CallFailure {
        let reason = if self.status.is_success() {
            "Meta's answer cannot be read".to_owned()
        } else {
            format!("HTTP {} without an error of the Graph API", self.status.as_u16())
        };
        CallFailure::Unclear { reason, http_status: Some(self.status.as_u16()) }
    }
}

fn without_token(body: Vec<u8>, token: &str) -> Vec<u8> {
    match str::from_utf8(&body) {
        Ok(text) if !token.is_empty() && text.contains(token) => text.replace(token, "***").into_bytes(),
        _ => body,
    }
}

/// The error and its causes, without the URL: it may hold a token.
pub(crate) fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = if error.is_timeout() { format!("timeout: {error}") } else { error.to_string() };
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
