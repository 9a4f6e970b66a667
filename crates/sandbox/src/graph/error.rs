//! Errors as the Graph API answers them.

use serde_json::{Value, json};

/// A refusal. Its message comes from the table of codes, unless one is given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GraphError {
    pub(crate) http_status: u16,
    pub(crate) code: i64,
    pub(crate) subcode: Option<i64>,
    pub(crate) message: String,
    pub(crate) details: Option<String>,
    /// Title and text that Meta wants shown to people; on calls about templates.
    pub(crate) for_people: Option<Box<(String, String)>>,
    pub(crate) retry_after: Option<u64>,
    /// Minutes until calls are allowed again, in the header that tells a business's usage.
    pub(crate) regain_minutes: Option<u64>,
}

impl GraphError {
    /// An error with the HTTP status and the message that Meta's table has for the code.
    pub(crate) fn of(code: i64) -> Self {
        let (http_status, title) = described(code);
        Self {
            http_status,
            code,
            subcode: None,
            message: format!("(#{code}) {title}"),
            details: None,
            for_people: None,
            retry_after: None,
            regain_minutes: None,
        }
    }

    pub(crate) fn with_details(code: i64, details: impl Into<String>) -> Self {
        Self { details: Some(details.into()), ..Self::of(code) }
    }

    /// Error 100, about a member of the request.
    pub(crate) fn parameter(text: impl AsRef<str>) -> Self {
        Self { message: format!("(#100) {}", text.as_ref()), ..Self::of(100) }
    }

    /// A required member is absent.
    pub(crate) fn required(path: &str) -> Self {
        Self::parameter(format!("The parameter {path} is required."))
    }

    /// A member of the message's object has a value that is not allowed.
    pub(crate) fn value(details: impl Into<String>) -> Self {
        Self::with_details(131_009, details)
    }

    /// A member of the message's object is absent.
    pub(crate) fn missing(details: impl Into<String>) -> Self {
        Self::with_details(131_008, details)
    }

    /// The token is not accepted.
    pub(crate) fn token(subcode: Option<i64>) -> Self {
        let reason = match subcode {
            Some(458) => "The user has not authorized the application.",
            Some(460) => "The session has been invalidated because the user changed their password.",
            Some(463) => "Session has expired.",
            Some(467) => "The session has been invalidated.",
            _ => "Cannot parse access token",
        };
        let message = if subcode.is_some() {
            format!("Error validating access token: {reason}")
        } else {
            format!("Invalid OAuth access token - {reason}")
        };
        Self { subcode, message, ..Self::of(190) }
    }

    /// The object is not there, or the token may not see it: Meta does not say which.
    pub(crate) fn no_object(method: &str, id: &str) -> Self {
        let message = format!(
            "Unsupported {method} request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, \
             or does not support this operation"
        );
        Self { subcode: Some(33), message, ..Self::of(100) }
    }

    pub(crate) fn body(&self, trace: &str) -> Value {
        let kind = if self.code == 100 && self.subcode == Some(33) { "GraphMethodException" } else { "OAuthException" };
        let mut error = json!({"message": self.message, "type": kind, "code": self.code});
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = subcode.into();
        }
        if let Some(details) = &self.details {
            error["error_data"] = json!({"messaging_product": "whatsapp", "details": details});
        }
        if let Some((title, text)) = self.for_people.as_deref() {
            error["is_transient"] = false.into();
            error["error_user_title"] = title.as_str().into();
            error["error_user_msg"] = text.as_str().into();
        }
        error["fbtrace_id"] = trace.into();
        json!({ "error": error })
    }
}

/// The HTTP status and the title of a code, from Meta's page of error codes.
pub(crate) fn described(code: i64) -> (u16, &'static str) {
    match code {
        0 => (401, "We were unable to authenticate the app user"),
        1 => (500, "An unknown error occurred"),
        2 => (503, "Service temporarily unavailable"),
        3 => (500, "Capability or permissions issue"),
        4 => (400, "Application request limit reached"),
        10 => (403, "Application does not have permission for this action"),
        100 => (400, "Invalid parameter"),
        190 => (401, "Invalid OAuth access token"),
        200..=299 => (403, "Permissions error"),
        368 => (403, "Temporarily blocked for policies violations"),
        80007 => (400, "Rate limit issues"),
        130_403 => (403, "Business is not allowed to message this user"),
        130_429 => (400, "Rate limit hit"),
        130_472 => (400, "User's number is part of an experiment"),
        130_497 => (403, "Business account is restricted from messaging users in this country"),
        131_000 => (500, "Something went wrong"),
        131_005 => (403, "Access denied"),
        131_008 => (400, "Required parameter is missing"),
        33 | 131_009 => (400, "Parameter value is not valid"),
        131_016 => (500, "Service unavailable"),
        131_021 => (400, "Recipient cannot be sender"),
        131_026 => (400, "Message undeliverable"),
        131_030 => (400, "Recipient phone number not in allowed list"),
        131_031 => (403, "Business Account locked"),
        131_037 => (400, "WhatsApp provided number needs display name approval before message can be sent"),
        131_042 => (400, "Business eligibility payment issue"),
        131_045 => (500, "Message failed to send due to an error related to your phone number registration"),
        131_047 => (400, "Re-engagement message"),
        131_048 => (400, "Spam rate limit hit"),
        131_049 => (400, "This message was not delivered to maintain healthy ecosystem engagement"),
        131_050 => (400, "This recipient has chosen to stop receiving marketing messages from your business"),
        131_051 => (400, "Unsupported message type"),
        131_052 => (400, "Media download error"),
        131_053 => (400, "Media upload error"),
        131_056 => (400, "(Business Account, Consumer Account) pair rate limit hit"),
        131_057 => (500, "Account in maintenance mode"),
        131_059 => (400, "The cursor is not valid"),
        131_062 => (400, "Business-scoped user ids are not supported for this message"),
        131_064 => (400, "Messages limited because of misclassified templates"),
        132_000 => (400, "Number of parameters does not match the expected number of params"),
        132_001 => (404, "Template name does not exist in the translation"),
        132_005 => (400, "Translated text too long"),
        132_007 => (400, "Template format character policy violated"),
        132_012 => (400, "Parameter format does not match format in the created template"),
        132_015 => (400, "Template is paused"),
        132_016 => (400, "Template is disabled"),
        132_018 => (400, "There is an issue with the parameters of the template"),
        132_021 => (400, "Template with this name exists"),
        132_068 => (400, "Flow is blocked"),
        132_069 => (400, "Flow is throttled"),
        133_000 => (500, "Deregistration error"),
        133_004 => (503, "Server is temporarily unavailable"),
        133_005 => (400, "Two-step verification PIN mismatch"),
        133_006 => (400, "Phone number needs to be verified before registering"),
        133_008 => (400, "Too many two-step verification PIN guesses for this phone number"),
        133_009 => (400, "Two-step verification PIN guessed too fast"),
        133_010 => (400, "Account not registered"),
        133_015 => (400, "Please wait a few minutes before attempting to register this phone number"),
        133_016 => (400, "Registration rate limit exceeded"),
        134_011 => (400, "Terms of service for payments were not accepted"),
        135_000 => (400, "Generic user error"),
        136_024 => (400, "The display name must be approved"),
        137_000 => (400, "The identity of the recipient changed"),
        138_000 => (400, "Calling is not enabled"),
        138_018 => (400, "Calling cannot be used"),
        139_200 => (400, "Direct sending is blocked"),
        2_494_100 => (500, "Phone number is in maintenance"),
        _ => (400, "Unknown error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_has_the_members_that_are_set() {
        let body = GraphError::with_details(131_009, "title too long").body("A1");
        assert_eq!(body["error"]["message"], "(#131009) Parameter value is not valid");
        assert_eq!(body["error"]["error_data"]["details"], "title too long");
        assert!(body["error"].get("error_subcode").is_none());
        assert_eq!(GraphError::token(Some(463)).body("A1")["error"]["error_subcode"], 463);
    }

    #[test]
    fn missing_object_names_it() {
        let error = GraphError::no_object("post", "77");
        assert_eq!((error.code, error.subcode), (100, Some(33)));
        assert!(error.message.contains("'77'"));
    }
}
