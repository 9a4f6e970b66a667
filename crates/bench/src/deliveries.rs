//! What Meta would send: every delivery is another one, and signed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kernel::{Clock as _, SystemClock};
use ring::hmac;

use crate::http::request;

/// The secret of the deployment's Meta app.
pub(crate) const APP_SECRET: &str = "the secret of the benchmark's app";

/// A number that a tenant has connected.
#[derive(Clone, Debug)]
pub(crate) struct Number {
    pub(crate) phone_number_id: String,
    pub(crate) waba_id: String,
}

/// So many deliveries after a message come its statuses: later than what is being stored or processed together with it, as it
/// is with people who read what they get.
const LATER: u64 = 500;

/// What is in the deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A text each.
    Texts,
    /// Of ten, seven are texts, one is what the business wrote in the app on a phone, and two are the statuses of what it
    /// wrote [some time](LATER) before.
    Everything,
}

/// Deliveries to these numbers, from so many senders. The n-th is always the same, and of no other stream.
#[derive(Clone, Debug)]
pub(crate) struct Deliveries {
    numbers: Arc<[Number]>,
    senders: u64,
    content: Content,
    key: hmac::Key,
    /// Makes ids different from those of other streams.
    stream: u64,
    /// Makes senders different from those of others.
    people: u64,
    seconds: i64,
}

impl Deliveries {
    pub(crate) fn new(numbers: &[Number], senders: u64, content: Content) -> Self {
        let stream = next_stream();
        Self {
            numbers: numbers.into(),
            senders,
            content,
            key: hmac::Key::new(hmac::HMAC_SHA256, APP_SECRET.as_bytes()),
            stream,
            people: stream,
            seconds: now(),
        }
    }

    /// Another stream, of the same people.
    pub(crate) fn again(&self) -> Self {
        Self { stream: next_stream(), seconds: now(), ..self.clone() }
    }

    /// The n-th delivery as a request that is ready to be sent.
    pub(crate) fn request(&self, n: u64) -> Vec<u8> {
        signed(&self.key, "/webhooks/whatsapp", &self.body(n))
    }

    fn body(&self, n: u64) -> String {
        let kind = if self.content == Content::Texts { 0 } else { n % 10 };
        let subject = match kind {
            8 | 9 if n >= LATER => n - kind + 7 - LATER,
            _ => n,
        };
        let sender = mixed(subject) % self.senders;
        let number = &self.numbers[usize::try_from(sender).unwrap_or_default() % self.numbers.len()];
        let from = format!("1555{:03}{sender:06}", self.people % 1_000);
        let (stream, seconds) = (self.stream, self.seconds);
        match kind {
            7 => number.delivery(
                "smb_message_echoes",
                &format!(
                    r#""message_echoes":[{{"from":"15550000000","to":"{from}","id":"wamid.{stream}.{n}","timestamp":"{seconds}","type":"text","text":{{"body":"It is on its way."}}}}]"#,
                ),
            ),
            8 | 9 if subject < n => {
                let status = if kind == 8 { "delivered" } else { "read" };
                number.delivery(
                    "messages",
                    &format!(
                        r#""statuses":[{{"id":"wamid.{stream}.{subject}","status":"{status}","timestamp":"{seconds}","recipient_id":"{from}"}}]"#,
                    ),
                )
            }
            _ => number.delivery(
                "messages",
                &format!(
                    r#""contacts":[{{"profile":{{"name":"Customer {sender}"}},"wa_id":"{from}"}}],"messages":[{{"from":"{from}","id":"wamid.{stream}.{n}","timestamp":"{seconds}","text":{{"body":"Hello, my order {n} has not arrived yet: could you please have a look?"}},"type":"text"}}]"#,
                ),
            ),
        }
    }
}

/// A delivery, signed with the secret of an app.
pub(crate) fn signed(key: &hmac::Key, path: &str, body: &str) -> Vec<u8> {
    let mac = hmac::sign(key, body.as_bytes());
    let mut signature = String::from("sha256=");
    for byte in mac.as_ref() {
        for digit in [byte >> 4, byte & 15] {
            signature.extend(char::from_digit(digit.into(), 16));
        }
    }
    let headers = [("Content-Type", "application/json"), ("X-Hub-Signature-256", signature.as_str())];
    request("POST", path, &headers, body.as_bytes())
}

impl Number {
    fn delivery(&self, field: &str, value: &str) -> String {
        let Self { phone_number_id, waba_id } = self;
        format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{waba_id}","changes":[{{"value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550000000","phone_number_id":"{phone_number_id}"}},{value}}},"field":"{field}"}}]}}]}}"#,
        )
    }
}

fn next_stream() -> u64 {
    static STREAMS: AtomicU64 = AtomicU64::new(0);
    STREAMS.fetch_add(1, Ordering::Relaxed)
}

fn now() -> i64 {
    SystemClock::new().now().timestamp()
}

/// Spreads numbers that follow each other (the finalizer of `SplitMix64`).
const fn mixed(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn numbers() -> Vec<Number> {
        ["1", "2"].map(|id| Number { phone_number_id: id.to_owned(), waba_id: "9".to_owned() }).to_vec()
    }

    #[test]
    fn deliveries_are_json_and_all_different() {
        let stream = Deliveries::new(&numbers(), 50, Content::Everything);
        let streams = [stream.again(), stream, Deliveries::new(&numbers(), 50, Content::Everything)];
        let mut seen = HashSet::new();
        for stream in &streams {
            for n in 0..2 * LATER {
                let body: serde_json::Value = serde_json::from_str(&stream.body(n)).unwrap();
                assert_eq!(body["object"], "whatsapp_business_account");
                assert!(seen.insert(body["entry"][0]["changes"][0]["value"].to_string()));
            }
        }
    }

    #[test]
    fn same_people_write_again() {
        let senders = |stream: &Deliveries| -> HashSet<String> {
            let message = |n| {
                let body: serde_json::Value = serde_json::from_str(&stream.body(n)).unwrap();
                body["entry"][0]["changes"][0]["value"]["messages"][0]["from"].to_string()
            };
            (0..1_000).map(message).collect()
        };
        let stream = Deliveries::new(&numbers(), 50, Content::Texts);
        assert_eq!(senders(&stream), senders(&stream.again()));
        assert!(senders(&stream).is_disjoint(&senders(&Deliveries::new(&numbers(), 50, Content::Texts))));
    }

    #[test]
    fn status_belongs_to_an_earlier_message_of_its_person() {
        let stream = Deliveries::new(&numbers(), 50, Content::Everything);
        let value = |n| -> serde_json::Value {
            let body: serde_json::Value = serde_json::from_str(&stream.body(n)).unwrap();
            body["entry"][0]["changes"][0]["value"].clone()
        };
        let (echo, status) = (value(17), value(LATER + 19));
        assert_eq!(echo["message_echoes"][0]["id"], status["statuses"][0]["id"]);
        assert_eq!(echo["message_echoes"][0]["to"], status["statuses"][0]["recipient_id"]);
        assert_eq!(echo["metadata"], status["metadata"]);
    }
}
