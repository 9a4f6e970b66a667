//! A request to `POST /{phone_number_id}/messages`.

use serde_json::{Map, Value};

use super::address::Address;
use super::check::Part;
use super::content;
use crate::graph::error::GraphError;

/// What the request wants.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Send(Send),
    /// A read receipt, and perhaps the sign that the business types.
    Read {
        message_id: String,
        typing: bool,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Send {
    pub(crate) kind: String,
    pub(crate) address: Address,
    /// The address as it was given.
    pub(crate) input: String,
    /// The object under the key that `kind` names.
    pub(crate) content: Value,
    pub(crate) reply_to: Option<String>,
    pub(crate) opaque_data: Option<String>,
}

impl Send {
    /// The name of the template; empty for other kinds.
    pub(crate) fn template(&self) -> &str {
        if self.kind == "template" { self.content["name"].as_str().unwrap_or_default() } else { "" }
    }
}

impl Request {
    /// Checks everything that needs no knowledge about the number but its calling code.
    pub(crate) fn of(body: &Map<String, Value>, calling_code: &str) -> Result<Self, GraphError> {
        let request = Part::root(body);
        match request.optional_text("messaging_product", 32)? {
            Some("whatsapp") => {}
            Some(_) => return Err(GraphError::parameter("Param messaging_product must be one of {WHATSAPP}.")),
            None => return Err(GraphError::required("messaging_product")),
        }
        if let Some(status) = request.optional_text("status", 32)? {
            return Self::receipt(&request, status);
        }
        let address = Address::of(&request, calling_code)?;
        let input = match address {
            Address::Bsuid(_) => request.optional_text("recipient", 256)?,
            _ => request.optional_text("to", 256)?,
        };
        let kind = request.optional_text("type", 32)?.unwrap_or("text");
        content::check(kind, &request)?;
        if request.get("category").is_some() {
            return Err(GraphError::parameter("Unexpected key \"category\" on param."));
        }
        let is_group = matches!(address, Address::Group(_));
        if is_group && !matches!(kind, "text" | "image" | "video" | "audio" | "document" | "sticker" | "template") {
            return Err(GraphError::with_details(131_051, "This type cannot be sent to groups"));
        }
        let reply_to = match request.optional_object("context")? {
            Some(context) => Some(context.text("message_id", 512)?.to_owned()),
            None => None,
        };
        if reply_to.is_some() && kind == "reaction" {
            return Err(GraphError::value("context is not allowed for reactions"));
        }
        let opaque_data = request.optional_text("biz_opaque_callback_data", 512)?.map(str::to_owned);
        Ok(Self::Send(Send {
            kind: kind.to_owned(),
            address,
            input: input.unwrap_or_default().to_owned(),
            content: body.get(kind).cloned().unwrap_or_default(),
            reply_to,
            opaque_data,
        }))
    }

    fn receipt(request: &Part<'_>, status: &str) -> Result<Self, GraphError> {
        if status != "read" {
            return Err(GraphError::parameter("Param status must be one of {READ}."));
        }
        let message_id = request.text("message_id", 512)?.to_owned();
        let typing = match request.optional_object("typing_indicator")? {
            None => false,
            Some(indicator) if indicator.text("type", 16)? == "text" => true,
            Some(_) => return Err(GraphError::value("typing_indicator['type'] must be text")),
        };
        Ok(Self::Read { message_id, typing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(body: &Value) -> Result<Request, GraphError> {
        Request::of(body.as_object().unwrap(), "1")
    }

    #[test]
    fn send_keeps_what_the_request_says() {
        let body = json!({
            "messaging_product": "whatsapp", "to": "+15550100002", "type": "text", "text": {"body": "hello"},
            "context": {"message_id": "wamid.1"}, "biz_opaque_callback_data": "x",
        });
        let Ok(Request::Send(send)) = of(&body) else { panic!("refused") };
        assert_eq!((send.kind.as_str(), send.input.as_str()), ("text", "+15550100002"));
        assert_eq!((send.reply_to.as_deref(), send.opaque_data.as_deref()), (Some("wamid.1"), Some("x")));
        assert_eq!(send.content["body"], "hello");
    }

    #[test]
    fn receipt_may_carry_the_typing_indicator() {
        let mut body = json!({"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.1"});
        assert!(matches!(of(&body), Ok(Request::Read { typing: false, .. })));
        body["typing_indicator"] = json!({"type": "text"});
        assert!(matches!(of(&body), Ok(Request::Read { typing: true, .. })));
    }

    #[test]
    fn malformed_request_is_error_100() {
        let rows = [
            json!({"to": "+15550100002", "type": "text", "text": {"body": "x"}}),
            json!({"messaging_product": "sms", "to": "+15550100002", "text": {"body": "x"}}),
            json!({"messaging_product": "whatsapp", "status": "delivered", "message_id": "wamid.1"}),
            json!({"messaging_product": "whatsapp", "status": "read"}),
            json!({"messaging_product": "whatsapp", "to": "+15550100002", "text": {"body": "x"}, "biz_opaque_callback_data": "x".repeat(513)}),
            json!({"messaging_product": "whatsapp", "to": "+15550100002", "text": {"body": "x"}, "category": "utility"}),
        ];
        for body in rows {
            assert_eq!(of(&body).unwrap_err().code, 100, "{body}");
        }
    }
}
