//! Error responses, as RFC 9457 problems.

mod code;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use kernel::StoreError;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub use code::Code;

/// RFC 9457, section 3.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// Seconds until a client should retry when a service is unavailable.
const RETRY_AFTER_SECONDS: &str = "5";

/// An error response. The cause goes to the log only: the response never shows SQL, a constraint's name, a token or
/// another tenant's values.
#[derive(Debug)]
pub struct Problem {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    /// Boxed, as few problems have any.
    hints: Option<Box<Hints>>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

/// An error in one part of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer to the invalid part of the body (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/email")]
    pub pointer: Option<String>,
    /// Name of the invalid query parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    #[schema(value_type = String, example = "missing")]
    pub code: &'static str,
    pub detail: String,
}

/// What a client can do instead. Each code has its own.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// The state of each service.
    pub checks: Option<BTreeMap<&'static str, String>>,
    pub advice: Option<String>,
    pub id: Option<Uuid>,
    pub templates: Option<Vec<TemplateHint>>,
}

/// A template that can be sent.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TemplateHint {
    #[schema(example = "order_update")]
    pub name: String,
    #[schema(example = "en_US")]
    pub language: String,
}

/// An error response (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// `urn:parley:problem:` and the code.
    #[schema(example = "urn:parley:problem:validation_failed")]
    r#type: String,
    title: &'a str,
    status: u16,
    /// Text for people; may change.
    detail: &'a str,
    /// Stable code for programs, one of a closed set.
    #[schema(example = "validation_failed")]
    code: &'a str,
    /// As in `X-Request-ID` and in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    request_id: Option<&'a str>,
    /// Errors in parts of the request.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<FieldError>, required = false)]
    errors: &'a [FieldError],
    /// Only for `/readyz`: the state of each service, `ok` or what is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = BTreeMap<String, String>, required = false)]
    checks: Option<&'a BTreeMap<&'static str, String>>,
    /// With `channel_not_ready`: what people can do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    advice: Option<&'a str>,
    /// With `newer_conversation`: the conversation that is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Uuid, required = false)]
    id: Option<Uuid>,
    /// With `window_closed`: the templates that can be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<TemplateHint>, required = false)]
    templates: Option<&'a [TemplateHint]>,
}

impl Problem {
    #[must_use]
    pub const fn new(code: Code) -> Self {
        Self {
            code,
            detail: Cow::Borrowed(code.detail()),
            errors: Vec::new(),
            hints: None,
            headers: Vec::new(),
            cause: None,
        }
    }

    /// A service is unavailable; the client may retry soon.
    #[must_use]
    pub fn unavailable(code: Code) -> Self {
        Self::new(code).with_header(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS))
    }

    /// The resource does not exist in the caller's tenant.
    #[must_use]
    pub const fn not_found() -> Self {
        Self::new(Code::NotFound)
    }

    /// An internal error of the server.
    #[must_use]
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Code::InternalError).caused_by(cause)
    }

    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = detail.into();
        self
    }

    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    #[must_use]
    pub(crate) fn with_checks(mut self, checks: BTreeMap<&'static str, String>) -> Self {
        self.hints.get_or_insert_default().checks = Some(checks);
        self
    }

    #[must_use]
    pub(crate) fn with_hints(mut self, hints: Hints) -> Self {
        self.hints = Some(Box::new(hints));
        self
    }

    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Sets the cause, for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    #[cfg(test)]
    pub(crate) fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The cause and its sources, for the log.
    pub(crate) fn cause_chain(&self) -> Option<String> {
        self.cause.as_ref().map(|cause| kernel::error_chain(&**cause))
    }

    /// The response body.
    pub(crate) fn to_json(&self, request_id: Option<&str>) -> serde_json::Value {
        let hints = self.hints.as_deref();
        serde_json::json!(ProblemBody {
            r#type: self.code.uri(),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail: &self.detail,
            code: self.code.key(),
            request_id,
            errors: &self.errors,
            checks: hints.and_then(|hints| hints.checks.as_ref()),
            advice: hints.and_then(|hints| hints.advice.as_deref()),
            id: hints.and_then(|hints| hints.id),
            templates: hints.and_then(|hints| hints.templates.as_deref()),
        })
    }
}

impl FieldError {
    /// An error in a part of the body.
    #[must_use]
    pub fn in_body(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), parameter: None, code, detail: detail.into() }
    }

    /// An error in a query parameter.
    #[must_use]
    pub fn in_query(parameter: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: None, parameter: Some(parameter.into()), code, detail: detail.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.key())
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    /// Without the request id, which the middleware adds.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        for header in &self.headers {
            response.append_header(header.clone());
        }
        response.content_type(MEDIA_TYPE).body(self.to_json(None).to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            // `Retryable` is a deadlock or serialization failure: the same request succeeds on retry.
            StoreError::Unavailable(_) | StoreError::LimitExceeded(_) | StoreError::Retryable(_) => {
                Self::unavailable(Code::TemporarilyUnavailable).caused_by(error)
            }
            error => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn problem_has_standard_and_own_members() {
        let problem = Problem::new(Code::ValidationFailed).with_errors(vec![FieldError::in_body(
            "/email",
            "invalid",
            "must be an address",
        )]);
        let expected = json!({
            "type": "urn:parley:problem:validation_failed",
            "title": "Validation failed",
            "status": 422,
            "detail": "The body is well-formed but invalid; see errors.",
            "code": "validation_failed",
            "request_id": "r-1",
            "errors": [{ "pointer": "/email", "code": "invalid", "detail": "must be an address" }],
        });
        assert_eq!(problem.to_json(Some("r-1")), expected);
        assert_eq!(problem.error_response().headers().get("content-type").unwrap(), MEDIA_TYPE);
    }

    #[test]
    fn cause_is_logged_but_not_in_the_response() {
        let error = StoreError::Other("SELECT secret FROM users".into());
        let problem = Problem::from(error);
        assert_eq!(problem.cause_chain().unwrap(), "the database refused the statement: SELECT secret FROM users");
        assert!(!problem.to_json(None).to_string().contains("SELECT"));

        let conflict = Problem::from(StoreError::Conflict { constraint: "users_secret_key".to_owned() });
        assert_eq!(conflict.status_code(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!conflict.to_json(None).to_string().contains("users_secret_key"));
    }

    #[test]
    fn unavailable_store_is_503_with_retry_after() {
        let response = Problem::from(StoreError::Unavailable("no route to host".into())).error_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers().get(RETRY_AFTER).unwrap(), "5");
    }
}
