//! The body of a request to send: content, and how to send it.

use actix_web::{HttpMessage as _, HttpRequest};
use chrono::{DateTime, Utc};
use flows::{MessageRequest, Quoted, SendTimes};
use kernel::Traceparent;
use kernel::ids::MessageId;
use outbound::{Content, OnUnknown, StoredSend};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::send_error::content_error;
use crate::closed_set::closed_set;
use crate::problem::{FieldError, Problem};
use crate::validation::Validation;

closed_set!(
    /// What happens if it stays unclear whether Meta took the message: `hold` waits for people, `resend` sends it once more after 90
    /// seconds without a status, `fail` calls it failed.
    OnUnknownBody = OnUnknown,
    "OnUnknown"
);

/// Characters of a caller's own reference.
const MAX_CLIENT_REF: usize = 200;

/// The span of the request, whose trace the calls to Meta and the statuses of the message continue.
pub(crate) fn trace_of(request: &HttpRequest) -> Option<Traceparent> {
    request.extensions().get().copied()
}

/// The members of a request as they came; [`check`](Self::check) reads them. Their schema is that of the content's types.
#[derive(Debug)]
pub(crate) struct MessageRequestBody(Map<String, Value>);

impl<'de> Deserialize<'de> for MessageRequestBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self)
    }
}

/// How to send, apart from the content.
#[derive(Debug, Default)]
struct SendOptions {
    reply_to: Option<MessageId>,
    times: SendTimes,
    on_unknown: OnUnknown,
    cancel_if_customer_writes: bool,
    client_ref: Option<String>,
}

/// Removes members, and collects what is wrong with them.
struct Members {
    rest: Map<String, Value>,
    validation: Validation,
}

impl Members {
    /// The member, unless it is absent or null.
    fn take<T: DeserializeOwned>(&mut self, name: &str, wanted: &'static str) -> Option<T> {
        let value = self.rest.remove(name).filter(|value| !value.is_null())?;
        self.validation.field(&format!("/{name}"), serde_json::from_value(value).map_err(|_| wanted))
    }

    fn options(&mut self) -> SendOptions {
        const TIME: &str = "must be a time with an offset, such as 2026-11-29T10:00:00Z";
        let reply_to = self.take::<Uuid>("reply_to", "must be the id of a message").map(MessageId::from_uuid);
        let times = SendTimes {
            send_at: self.take::<DateTime<Utc>>("send_at", TIME),
            send_before: self.take::<DateTime<Utc>>("send_before", TIME),
        };
        let on_unknown = self.take::<OnUnknown>("on_unknown", "must be hold, resend or fail").unwrap_or_default();
        let cancel = self.take::<bool>("cancel_if_customer_writes", "must be true or false");
        let client_ref = self.take::<String>("client_ref", "must be a text");
        let client_ref = client_ref.and_then(|text| {
            let is_valid = (1..=MAX_CLIENT_REF).contains(&text.chars().count());
            let checked = if is_valid { Ok(text) } else { Err("must have 1 to 200 characters") };
            self.validation.field("/client_ref", checked)
        });
        SendOptions { reply_to, times, on_unknown, cancel_if_customer_writes: cancel.unwrap_or_default(), client_ref }
    }

    fn content(&mut self) -> Option<(Content, String)> {
        let value = Value::Object(std::mem::take(&mut self.rest));
        match Content::parse(&value) {
            Ok(content) => Some((content, value.to_string())),
            Err(error) => {
                self.validation.add(content_error(error));
                None
            }
        }
    }

    fn finish(self, content: Option<(Content, String)>, options: SendOptions) -> Result<MessageRequest, Problem> {
        match content {
            Some((content, content_json)) if self.validation.is_valid() => {
                let SendOptions { reply_to, times, on_unknown, cancel_if_customer_writes, client_ref } = options;
                Ok(MessageRequest {
                    content,
                    content_json,
                    reply_to: reply_to.map(Quoted::Message),
                    times,
                    on_unknown,
                    cancel_if_customer_writes,
                    client_ref,
                    trace: None,
                })
            }
            _ => Err(self.validation.into_problem()),
        }
    }
}

impl MessageRequestBody {
    /// # Errors
    /// All errors of the body.
    pub(crate) fn check(self) -> Result<MessageRequest, Problem> {
        let mut members = Members { rest: self.0, validation: Validation::default() };
        let options = members.options();
        let content = members.content();
        members.finish(content, options)
    }

    /// Takes members that are not about content and sending.
    pub(crate) fn take<T: DeserializeOwned>(&mut self, name: &str, wanted: &'static str) -> Result<T, FieldError> {
        let pointer = format!("/{name}");
        match self.0.remove(name) {
            None => Err(FieldError::in_body(pointer, "missing", "is required")),
            Some(value) => serde_json::from_value(value).map_err(|_| FieldError::in_body(pointer, "invalid", wanted)),
        }
    }

    /// A change of a stored request: members that are absent stay as they were.
    ///
    /// # Errors
    /// All errors of the body.
    pub(crate) fn check_change(self, send: &StoredSend) -> Result<MessageRequest, Problem> {
        let mut rest = self.0;
        let has_content = rest.keys().any(|key| !matches!(key.as_str(), "send_at" | "send_before" | "reply_to"));
        if !has_content && let Ok(Value::Object(stored)) = serde_json::from_str(&send.content) {
            rest.extend(stored);
        }
        for (name, stored) in [("send_at", send.send_at), ("send_before", Some(send.send_before))] {
            if !rest.contains_key(name)
                && let Some(time) = stored
            {
                rest.insert(name.to_owned(), Value::String(time.to_rfc3339()));
            }
        }
        let quotes_another = rest.contains_key("reply_to");
        let mut request = Self(rest).check()?;
        if !quotes_another {
            request.reply_to = send.reply_to_wamid.clone().map(Quoted::Wamid);
        }
        request.on_unknown = send.on_unknown;
        request.client_ref.clone_from(&send.client_ref);
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(body: Value) -> Result<MessageRequest, Vec<String>> {
        let body: MessageRequestBody = serde_json::from_value(body).unwrap();
        body.check().map_err(|problem| problem.errors().iter().filter_map(|error| error.pointer.clone()).collect())
    }

    #[test]
    fn all_errors_are_told_with_their_pointers() {
        let body = json!({"type": "text", "text": {"body": ""}, "send_at": "tomorrow", "on_unknown": "guess",
                          "client_ref": "", "colour": "red"});
        let pointers = check(body).unwrap_err();
        for pointer in ["/send_at", "/on_unknown", "/client_ref"] {
            assert!(pointers.contains(&pointer.to_owned()), "{pointer} in {pointers:?}");
        }
        assert_eq!(check(json!({"type": "text", "text": {"body": "Hi"}, "colour": "red"})).unwrap_err(), ["/colour"]);
    }

    #[test]
    fn options_are_read_beside_the_content() {
        let body = json!({"type": "text", "text": {"body": "Hi"}, "send_at": "2026-11-29T10:00:00+01:00",
                          "on_unknown": "resend", "cancel_if_customer_writes": true, "client_ref": "A-7"});
        let request = check(body).unwrap();
        assert_eq!(request.times.send_at.unwrap().to_rfc3339(), "2026-11-29T09:00:00+00:00");
        assert_eq!((request.on_unknown, request.cancel_if_customer_writes), (OnUnknown::Resend, true));
        assert_eq!(request.content_json, r#"{"type":"text","text":{"body":"Hi"}}"#);
    }
}
