use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use kernel::{Entropy, EntropyUnavailable};
use serde_json::{Value, json};

/// A text message that a customer might have sent.
#[derive(Debug)]
pub(super) struct Sample<'a> {
    pub(super) waba_id: &'a str,
    pub(super) phone_number_id: &'a str,
    pub(super) display_phone_number: &'a str,
    pub(super) wamid: &'a str,
    pub(super) from: &'a str,
    pub(super) name: &'a str,
    pub(super) text: &'a str,
    pub(super) sent_at: DateTime<Utc>,
}

impl Sample<'_> {
    /// The delivery as Meta would send it.
    pub(super) fn to_delivery(&self) -> Value {
        json!({
            "object": "whatsapp_business_account",
            "entry": [{
                "id": self.waba_id,
                "changes": [{
                    "field": "messages",
                    "value": {
                        "messaging_product": "whatsapp",
                        "metadata": {
                            "display_phone_number": self.display_phone_number,
                            "phone_number_id": self.phone_number_id,
                        },
                        "contacts": [{ "profile": { "name": self.name }, "wa_id": self.from }],
                        "messages": [{
                            "from": self.from,
                            "id": self.wamid,
                            "timestamp": self.sent_at.timestamp().to_string(),
                            "type": "text",
                            "text": { "body": self.text },
                        }],
                    },
                }],
            }],
        })
    }
}

/// An id that no message has had.
pub(super) fn new_wamid(entropy: &dyn Entropy) -> Result<String, EntropyUnavailable> {
    let mut random = [0; 24];
    entropy.fill(&mut random)?;
    Ok(format!("wamid.{}", STANDARD.encode(random)))
}

#[cfg(test)]
mod tests {
    use kernel::{SystemClock, SystemEntropy};
    use whatsapp::{Update, decode, split};

    use super::*;

    #[test]
    fn is_read_as_a_text_message() {
        let wamid = new_wamid(&SystemEntropy::new()).unwrap();
        let sample = Sample {
            waba_id: "900",
            phone_number_id: "100",
            display_phone_number: "15550001",
            wamid: &wamid,
            from: "15550100001",
            name: "Ada",
            text: "Hello",
            sent_at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        };
        let events = split(sample.to_delivery().to_string().as_bytes(), &SystemClock::new());
        let Some(Update::Message(message)) = decode(&events[0].kind, &events[0].payload).unwrap().update else {
            panic!("is no message");
        };
        assert_eq!((message.wamid, message.text, message.kind.as_str()), (wamid.clone(), "Hello".to_owned(), "text"));
        assert_eq!(message.customer.phones, ["15550100001"]);
        assert_eq!((events[0].phone_number_id.as_deref(), message.timestamp), (Some("100"), Some(sample.sent_at)));
    }
}
