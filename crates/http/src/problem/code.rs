use actix_web::http::StatusCode;
use serde::{Serialize, Serializer};

/// Declares the codes: status, key, title, and the default detail.
macro_rules! codes {
    ($($variant:ident = $status:ident $key:literal $title:literal $detail:literal)+) => {
        /// The closed set of problem codes. Clients may rely on the keys.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $detail] $variant,)+
        }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self {
                    $(Self::$variant => StatusCode::$status,)+
                }
            }

            /// `code` in the problem.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self {
                    $(Self::$variant => $key,)+
                }
            }

            #[must_use]
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)+
                }
            }

            #[must_use]
            pub const fn detail(self) -> &'static str {
                match self {
                    $(Self::$variant => $detail,)+
                }
            }
        }
    };
}

codes! {
    BadRequest = BAD_REQUEST "bad_request" "Bad request"
        "The request cannot be understood."
    MalformedJson = BAD_REQUEST "malformed_json" "Malformed JSON"
        "The body is not JSON."
    IncompleteBody = BAD_REQUEST "incomplete_body" "Incomplete body"
        "The body ended before it was complete."
    InvalidQuery = BAD_REQUEST "invalid_query" "Invalid query"
        "A query parameter is unknown, repeated or invalid; see errors."
    InvalidCursor = BAD_REQUEST "invalid_cursor" "Invalid cursor"
        "The cursor was not issued for this list."
    TenantRequired = BAD_REQUEST "tenant_required" "Tenant required"
        "The X-Tenant-ID header must name the tenant by its id or slug."
    InvalidTenantId = BAD_REQUEST "invalid_tenant_id" "Invalid tenant"
        "X-Tenant-ID must be sent once, with the id or slug of a tenant."
    InvalidIdempotencyKey = BAD_REQUEST "invalid_idempotency_key" "Invalid idempotency key"
        "Idempotency-Key must be sent once, with 1 to 255 visible ASCII characters."
    IdempotencyKeyRequired = BAD_REQUEST "idempotency_key_required" "Idempotency key required"
        "A program must send Idempotency-Key with what it sends to customers, so that a retry sends nothing twice."
    AmbiguousCredentials = BAD_REQUEST "ambiguous_credentials" "Ambiguous credentials"
        "The request has more than one Authorization header."
    Unauthenticated = UNAUTHORIZED "unauthenticated" "Not authenticated"
        "An access token or an API key is required: Authorization: Bearer <token>."
    InvalidToken = UNAUTHORIZED "invalid_token" "Invalid token"
        "The access token or API key is invalid or has expired, or its session has ended."
    InvalidRefreshToken = UNAUTHORIZED "invalid_refresh_token" "Invalid refresh token"
        "The refresh token is invalid, was already used, or its session has ended; log in again."
    InvalidCredentials = UNAUTHORIZED "invalid_credentials" "Invalid credentials"
        "The tenant, the email address or the password is incorrect."
    InvalidSignature = UNAUTHORIZED "invalid_signature" "Invalid signature"
        "X-Hub-Signature-256 does not match the body."
    InsufficientScope = FORBIDDEN "insufficient_scope" "Insufficient scope"
        "The caller does not hold the required permission."
    UsersOnly = FORBIDDEN "users_only" "Users only"
        "Only users can do this; API keys cannot."
    OperatorsOnly = FORBIDDEN "operators_only" "Operators only"
        "This operation requires an operator's provisioning key."
    TenantMismatch = FORBIDDEN "tenant_mismatch" "Tenant mismatch"
        "X-Tenant-ID and the access token name different tenants."
    RegistrationClosed = FORBIDDEN "registration_closed" "Registration is closed"
        "Registration is closed in this tenant; an administrator can create the user."
    WrongPassword = FORBIDDEN "wrong_password" "Wrong password"
        "The current password is incorrect."
    OutranksYou = FORBIDDEN "outranks_you" "User outranks you"
        "The user holds permissions that you do not hold."
    CannotGrant = FORBIDDEN "cannot_grant" "Cannot be granted"
        "It includes permissions that you do not hold."
    SignupClosed = FORBIDDEN "signup_closed" "Sign-up is closed"
        "Sign-up is disabled in this deployment; ask the operator for a tenant."
    HandshakeError = FORBIDDEN "handshake_refused" "Handshake refused"
        "hub.mode is not `subscribe`, or the verify token is incorrect."
    PaymentByOperators = FORBIDDEN "payment_by_operators" "Payments are recorded by operators"
        "In this deployment an operator marks invoices as paid; ask the operator."
    NotFound = NOT_FOUND "not_found" "Not found"
        "The resource does not exist."
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed" "Method not allowed"
        "The path does not support this method; see Allow."
    RequestTimeout = REQUEST_TIMEOUT "request_timeout" "Request timeout"
        "The body was not received in time."
    SlugTaken = CONFLICT "slug_taken" "Slug taken"
        "Another tenant uses this slug; choose a different one."
    EmailTaken = CONFLICT "email_taken" "Email taken"
        "The tenant already has a user with this email address."
    LastOwner = CONFLICT "last_owner" "Last owner"
        "A tenant must keep at least one active owner."
    SystemRole = CONFLICT "system_role" "System role"
        "System roles cannot be changed or deleted."
    RoleKeyTaken = CONFLICT "role_key_taken" "Role key taken"
        "The tenant already has a role with this key."
    RoleNameTaken = CONFLICT "role_name_taken" "Role name taken"
        "The tenant already has a role with this name; upper case and spaces make no difference."
    RoleInUse = CONFLICT "role_in_use" "Role in use"
        "Users hold this role; revoke it from them first."
    TooManyRoles = CONFLICT "too_many_roles" "Too many roles"
        "A tenant can have at most 100 roles of its own."
    TooManyApiKeys = CONFLICT "too_many_api_keys" "Too many API keys"
        "A tenant can have at most 100 active API keys; revoke one that is not used."
    ApiKeyEnded = CONFLICT "api_key_ended" "API key has ended"
        "The API key is expired or revoked, and stays so; create another one."
    AccountExists = CONFLICT "account_exists" "Account exists"
        "The tenant has already connected this number."
    NumberInUse = CONFLICT "number_in_use" "Number in use"
        "This number is already active in this deployment."
    AppInUse = CONFLICT "app_in_use" "App in use"
        "A connected number uses this Meta app; disconnect it first."
    SameContact = CONFLICT "same_contact" "Same contact"
        "A contact cannot be merged into itself."
    TooManyAttributes = CONFLICT "too_many_attributes" "Too many attributes"
        "Together the attributes of both contacts exceed the limit of one; remove some, then merge."
    IdentityTaken = CONFLICT "identity_taken" "Identity taken"
        "Another contact has this identity; see errors."
    ConversationOpen = CONFLICT "conversation_open" "Conversation already open"
        "The contact already has an open conversation with this number."
    WindowClosed = CONFLICT "window_closed" "Window closed"
        "The customer's last message is more than 24 hours old: only a template can be sent; see templates."
    OptedOut = CONFLICT "opted_out" "Opted out"
        "The contact takes no marketing messages."
    ChannelNotReady = CONFLICT "channel_not_ready" "Channel not ready"
        "The WhatsApp number cannot send now; see advice."
    TemplateNotEditable = CONFLICT "template_not_editable" "Template not editable"
        "Meta does not let this template be edited now; see detail."
    TemplateNotUsable = CONFLICT "template_not_usable" "Template not usable"
        "The business account has no such template, or Meta has not approved it, or has stopped it."
    ConversationReadOnly = CONFLICT "conversation_read_only" "Conversation is read-only"
        "Another party, such as Meta's own agent, answers in this conversation."
    NewerConversation = CONFLICT "newer_conversation" "Newer conversation"
        "This conversation is closed, and a newer one with the same contact and number is open; see id."
    MediaNotStored = CONFLICT "media_not_stored" "File not stored"
        "The bytes of the file are not here; its state says why."
    MediaNotRetryable = CONFLICT "media_not_retryable" "File not retryable"
        "Only a received file that is not stored can be fetched again."
    NoThumbnail = UNPROCESSABLE_ENTITY "no_thumbnail" "No thumbnail"
        "The file is no picture, or has too many pixels."
    NotResendable = CONFLICT "not_resendable" "Not resendable"
        "Only a message that failed, expired or was canceled can be sent again; an unclear one after ten minutes."
    NotDismissable = CONFLICT "not_dismissable" "Not dismissable"
        "Only a message that failed, expired or was canceled can be dismissed; an unclear one after ten minutes."
    NotCancelable = CONFLICT "not_cancelable" "Not cancelable"
        "The message has left, or was never to be sent."
    NotChangeable = CONFLICT "not_changeable" "Not changeable"
        "Only a message that has not left can be changed."
    NotReplayable = CONFLICT "not_replayable" "Not replayable"
        "Only dead letters and discarded events can be replayed, and only while their payload is retained."
    NotDeadLetter = CONFLICT "not_dead_letter" "Not a dead letter"
        "Only dead letters can be discarded."
    RequestRunning = CONFLICT "request_running" "Request in progress"
        "A request with this Idempotency-Key is in progress; retry to get its response."
    RefreshConflict = CONFLICT "refresh_conflict" "Refresh conflict"
        "A concurrent request used the same refresh token and received the new tokens."
    StaleVersion = CONFLICT "stale_version" "Stale version"
        "The resource was changed since you read it; read it again and retry."
    BodyTooLarge = PAYLOAD_TOO_LARGE "body_too_large" "Body too large"
        "The body exceeds the size limit of this path."
    RangeNotSatisfiable = RANGE_NOT_SATISFIABLE "range_not_satisfiable" "Range not satisfiable"
        "The range lies outside of the file; see Content-Range."
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "Unsupported media type"
        "The body must be application/json."
    TemplateRefused = UNPROCESSABLE_ENTITY "template_refused" "Template refused"
        "Meta does not accept it; see detail."
    ValidationFailed = UNPROCESSABLE_ENTITY "validation_failed" "Validation failed"
        "The body is well-formed but invalid; see errors."
    IdempotencyKeyReused = UNPROCESSABLE_ENTITY "idempotency_key_reused" "Idempotency key reused"
        "This Idempotency-Key was used for a different request; use a new key."
    WeakPassword = UNPROCESSABLE_ENTITY "weak_password" "Weak password"
        "The password is too weak or otherwise unacceptable; see errors."
    TooManyAttempts = TOO_MANY_REQUESTS "too_many_attempts" "Too many attempts"
        "Too many failed attempts; wait as long as Retry-After says."
    RateLimited = TOO_MANY_REQUESTS "rate_limited" "Rate limited"
        "Too many requests; wait as long as Retry-After says."
    InternalError = INTERNAL_SERVER_ERROR "internal_error" "Internal error"
        "The server failed; the request id identifies the failure in its log."
    TemporarilyUnavailable = SERVICE_UNAVAILABLE "temporarily_unavailable" "Temporarily unavailable"
        "A required service is unavailable; retry later."
    MetaUnavailable = SERVICE_UNAVAILABLE "meta_unavailable" "Meta does not answer"
        "Meta did not answer, or is busy; nothing was changed. Retry later."
    Busy = SERVICE_UNAVAILABLE "busy" "Busy"
        "Too many passwords are being verified; retry later."
    NotReady = SERVICE_UNAVAILABLE "not_ready" "Not ready"
        "A required service is not ready; see checks."
}

impl Code {
    /// The URI that names the type of problem (RFC 9457, section 3.1.1). It is not a URL; `/openapi.json`
    /// documents each code.
    #[must_use]
    pub fn uri(self) -> String {
        format!("urn:parley:problem:{}", self.key())
    }

    /// The code for an error response of the web framework itself.
    #[must_use]
    pub fn for_framework_error(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::REQUEST_TIMEOUT => Self::RequestTimeout,
            StatusCode::PAYLOAD_TOO_LARGE => Self::BodyTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            StatusCode::SERVICE_UNAVAILABLE => Self::TemporarilyUnavailable,
            status if status.is_client_error() => Self::BadRequest,
            _ => Self::InternalError,
        }
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn keys_are_unique() {
        let keys: BTreeSet<&str> = Code::ALL.iter().map(|code| code.key()).collect();
        assert_eq!(keys.len(), Code::ALL.len());
    }
}
