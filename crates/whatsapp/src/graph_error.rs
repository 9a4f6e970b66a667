use std::time::Duration;

use serde_json::Value;

/// An error of Meta's Graph API: the `error` object of an answer, or an entry of a status's `errors`.
///
/// Meta asks to decide by `code` and `details`, not by the HTTP status or the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GraphError {
    /// Of the answer; `None` in a status webhook.
    pub http_status: Option<u16>,
    /// `None` if the body was not an error of the Graph API.
    pub code: Option<i64>,
    pub subcode: Option<i64>,
    /// Meta's `message` or `title`.
    pub title: String,
    /// `error_data.details`, or `error_data` where it is a text.
    pub details: Option<String>,
    /// `error_user_msg`: what Meta wants people to read.
    pub user_message: Option<String>,
    /// `fbtrace_id`: Meta's support asks for it.
    pub trace_id: Option<String>,
    /// When to try again, from `Retry-After` or from Meta's usage headers.
    pub retry_after: Option<Duration>,
}

impl GraphError {
    /// The first error of a `failed` status, from the status's JSON.
    #[must_use]
    pub fn of_status(status: &str) -> Option<Self> {
        let status: Value = serde_json::from_str(status).ok()?;
        let error = status.get("errors")?.get(0)?;
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            code: error.get("code").and_then(Value::as_i64),
            title: text(error.get("title")).or_else(|| text(error.get("message"))).unwrap_or_default(),
            details: text(error.get("error_data").and_then(|data| data.get("details"))),
            ..Self::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_error_of_a_status_is_read() {
        let status = r#"{"status":"failed","errors":[{"code":131047,"title":"Re-engagement message",
            "error_data":{"details":"More than 24 hours"}},{"code":1}]}"#;
        let error = GraphError::of_status(status).unwrap();
        assert_eq!((error.code, error.title.as_str()), (Some(131_047), "Re-engagement message"));
        assert_eq!(error.details.as_deref(), Some("More than 24 hours"));
        for status in ["", "{}", r#"{"errors":[]}"#, r#"{"errors":7}"#] {
            assert_eq!(GraphError::of_status(status), None, "{status}");
        }
    }
}
