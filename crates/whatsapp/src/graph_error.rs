use std::time::Duration;

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
