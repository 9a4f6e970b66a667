//! One webhook request, repeated until its receiver acknowledges it.

use std::sync::Arc;
use std::time::Duration;

use ring::hmac;
use serde_json::value::RawValue;

use super::deliveries::{Deliveries, Record, State};
use super::payload::{self, Update};
use crate::clock::{self, Clock};

/// A receiver that refuses a request this often will not take it: its secret is another one. Absence is not counted.
const MAX_REFUSALS: u32 = 10;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Who gets it, and the key of the signature.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) url: String,
    pub(super) key: hmac::Key,
}

pub(super) struct Delivery {
    pub(super) target: Arc<Target>,
    pub(super) client: reqwest::Client,
    pub(super) clock: Arc<Clock>,
    pub(super) deliveries: Arc<Deliveries>,
    pub(super) updates: Vec<Update>,
}

impl Delivery {
    /// Returns when the request was acknowledged or given up, or is no longer wanted.
    pub(super) async fn run(self, is_wanted: impl Fn() -> bool) {
        let now = self.clock.now_ms();
        let body = payload::body(&self.updates, now);
        let signature = signature(&self.target.key, body.as_bytes());
        let record = Record {
            sequence: 0,
            url: self.target.url.clone(),
            started_at: clock::text(now),
            updates: self.updates.len(),
            attempts: 0,
            http_status: None,
            error: None,
            duration_ms: 0,
            state: State::Trying,
            signature: signature.clone(),
            body: RawValue::from_string(body.clone()).unwrap_or_default(),
        };
        let sequence = self.deliveries.add(record);
        let mut pause = FIRST_PAUSE;
        let mut refusals = 0;
        while is_wanted() {
            let started = std::time::Instant::now();
            let answer = self.post(&body, &signature).await;
            if answer.as_ref().is_ok_and(|status| (400..500).contains(status)) {
                refusals += 1;
            }
            let state = match answer {
                Ok(200) => State::Delivered,
                _ if refusals >= MAX_REFUSALS => State::GivenUp,
                _ => State::Trying,
            };
            self.deliveries.change(sequence, |record| {
                record.attempts += 1;
                record.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
                record.http_status = answer.as_ref().ok().copied();
                record.error = answer.err();
                record.state = state;
            });
            if state != State::Trying {
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        self.deliveries.change(sequence, |record| record.state = State::GivenUp);
    }

    async fn post(&self, body: &str, signature: &str) -> Result<u16, String> {
        let request = self
            .client
            .post(&self.target.url)
            .header("Content-Type", "application/json")
            .header("X-Hub-Signature-256", signature)
            .body(body.to_owned());
        match request.send().await {
            Ok(response) => {
                let status = response.status().as_u16();
                // The connection is used again only when the body was read.
                let _read = response.bytes().await;
                Ok(status)
            }
            Err(error) if error.is_timeout() => Err("no answer in time".to_owned()),
            Err(error) if error.is_connect() => Err("cannot connect".to_owned()),
            Err(_) => Err("the connection was closed".to_owned()),
        }
    }
}

/// The value of `X-Hub-Signature-256`.
fn signature(key: &hmac::Key, body: &[u8]) -> String {
    format!("sha256={}", hex::encode(hmac::sign(key, body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signature_is_the_hmac_of_the_body() {
        // RFC 4231, test case 2.
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"Jefe");
        assert_eq!(
            signature(&key, b"what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
