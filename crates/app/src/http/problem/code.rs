use actix_web::http::StatusCode;
use serde::{Serialize, Serializer};

/// Declares the codes: status, key, title, and the detail that is told unless there is more to say.
macro_rules! codes {
    ($($variant:ident = $status:ident $key:literal $title:literal $detail:literal)+) => {
        /// Everything that can be wrong with a request, as a closed set: a client may rely on these keys.
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
        "The body is no JSON."
    IncompleteBody = BAD_REQUEST "incomplete_body" "Incomplete body"
        "The body ended before it was complete."
    InvalidQuery = BAD_REQUEST "invalid_query" "Invalid query"
        "A query parameter is unknown, repeated or has an impossible value."
    InvalidCursor = BAD_REQUEST "invalid_cursor" "Invalid cursor"
        "The cursor is not one that this list gave out."
    TenantRequired = BAD_REQUEST "tenant_required" "Tenant required"
        "The X-Tenant-ID header must name the tenant by its id or slug."
    InvalidTenantId = BAD_REQUEST "invalid_tenant_id" "Invalid tenant"
        "X-Tenant-ID must be one id or slug of a tenant."
    InvalidIdempotencyKey = BAD_REQUEST "invalid_idempotency_key" "Invalid idempotency key"
        "Idempotency-Key must be one text of 1 to 255 visible ASCII characters."
    AmbiguousCredentials = BAD_REQUEST "ambiguous_credentials" "Ambiguous credentials"
        "There is more than one Authorization header."
    Unauthenticated = UNAUTHORIZED "unauthenticated" "Not authenticated"
        "An access token is needed: Authorization: Bearer <token>."
    InvalidToken = UNAUTHORIZED "invalid_token" "Invalid token"
        "The access token is invalid, has expired, or its session has ended."
    InvalidRefreshToken = UNAUTHORIZED "invalid_refresh_token" "Invalid refresh token"
        "The refresh token is invalid, was used before, or its session has ended; log in again."
    InvalidCredentials = UNAUTHORIZED "invalid_credentials" "Invalid credentials"
        "Tenant, email address or password are wrong."
    InvalidSignature = UNAUTHORIZED "invalid_signature" "Invalid signature"
        "X-Hub-Signature-256 does not match the body."
    InsufficientScope = FORBIDDEN "insufficient_scope" "Insufficient scope"
        "A permission is missing."
    OperatorsOnly = FORBIDDEN "operators_only" "For operators only"
        "This is for operators: it needs a provisioning key, which no tenant has."
    TenantMismatch = FORBIDDEN "tenant_mismatch" "Another tenant"
        "X-Tenant-ID names another tenant than the access token."
    RegistrationClosed = FORBIDDEN "registration_closed" "Registration is closed"
        "Users of this tenant are made by its administrators."
    WrongPassword = FORBIDDEN "wrong_password" "Wrong password"
        "The current password is another one."
    OutranksYou = FORBIDDEN "outranks_you" "Outranks you"
        "They may do what you may not."
    CannotGrant = FORBIDDEN "cannot_grant" "Cannot be granted"
        "Nobody gives, or changes, what allows more than they may do themselves."
    SignupClosed = FORBIDDEN "signup_closed" "Sign-up is closed"
        "Tenants cannot sign up here; ask the operator."
    HandshakeRefused = FORBIDDEN "handshake_refused" "Handshake refused"
        "The mode is not `subscribe`, or the verify token is another one."
    NotFound = NOT_FOUND "not_found" "Not found"
        "There is no such thing."
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed" "Method not allowed"
        "This path has other methods; see Allow."
    RequestTimeout = REQUEST_TIMEOUT "request_timeout" "Request timeout"
        "The body took too long."
    SlugTaken = CONFLICT "slug_taken" "Slug taken"
        "Another tenant has this slug; choose another one."
    EmailTaken = CONFLICT "email_taken" "Email taken"
        "The tenant has a user with this address."
    LastOwner = CONFLICT "last_owner" "The last owner"
        "A tenant keeps at least one active owner."
    SystemRole = CONFLICT "system_role" "A system role"
        "System roles stay as they are."
    RoleKeyTaken = CONFLICT "role_key_taken" "Role key taken"
        "The tenant has a role with this key."
    RoleInUse = CONFLICT "role_in_use" "Role in use"
        "Somebody has this role; take it from them first."
    TooManyRoles = CONFLICT "too_many_roles" "Too many roles"
        "A tenant has up to 100 roles of its own."
    AccountExists = CONFLICT "account_exists" "Account exists"
        "This number is connected already."
    NumberInUse = CONFLICT "number_in_use" "Number in use"
        "This number is active elsewhere in this deployment."
    AppInUse = CONFLICT "app_in_use" "App in use"
        "A connected number uses this Meta app; disconnect it first."
    SameContact = CONFLICT "same_contact" "The same contact"
        "The two are one contact."
    IdentityTaken = CONFLICT "identity_taken" "Identity taken"
        "Another contact is known by this; see errors."
    ConversationOpen = CONFLICT "conversation_open" "Another conversation is open"
        "The contact has another conversation with this number that is not closed."
    NotReplayable = CONFLICT "not_replayable" "Not replayable"
        "Only a dead letter or a discarded event can be replayed, while what Meta sent is kept."
    NotDeadLetter = CONFLICT "not_dead_letter" "No dead letter"
        "Only a dead letter can be discarded."
    RequestRunning = CONFLICT "request_running" "The request is running"
        "A request with this Idempotency-Key is being carried out; send it again to learn its answer."
    RefreshConflict = CONFLICT "refresh_conflict" "Refresh conflict"
        "Another request refreshes with the same token at this moment, and gets the next one."
    StaleVersion = CONFLICT "stale_version" "Stale version"
        "It was changed meanwhile: read it again."
    BodyTooLarge = PAYLOAD_TOO_LARGE "body_too_large" "Body too large"
        "The body has more bytes than this path takes."
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "Unsupported media type"
        "The body must be application/json."
    ValidationFailed = UNPROCESSABLE_ENTITY "validation_failed" "Validation failed"
        "The body means something impossible; see errors."
    IdempotencyKeyReused = UNPROCESSABLE_ENTITY "idempotency_key_reused" "Idempotency key reused"
        "Another request had this Idempotency-Key; take a new one for another thing."
    WeakPassword = UNPROCESSABLE_ENTITY "weak_password" "Weak password"
        "The password cannot be used; see errors."
    TooManyAttempts = TOO_MANY_REQUESTS "too_many_attempts" "Too many attempts"
        "Too many tries failed; wait before the next one, see Retry-After."
    InternalError = INTERNAL_SERVER_ERROR "internal_error" "Internal error"
        "Something went wrong on our side; the request id leads to it in the log."
    TemporarilyUnavailable = SERVICE_UNAVAILABLE "temporarily_unavailable" "Temporarily unavailable"
        "Something that is needed cannot be reached; try again."
    Busy = SERVICE_UNAVAILABLE "busy" "Busy"
        "Too many passwords are being checked; try again."
    NotReady = SERVICE_UNAVAILABLE "not_ready" "Not ready"
        "Something that is needed is missing; see checks."
}

impl Code {
    /// The URI that names the type of problem (RFC 9457, section 3.1.1). It is not made to be opened; the document at
    /// `/openapi.json` says what each means.
    #[must_use]
    pub fn uri(self) -> String {
        format!("urn:parley:problem:{}", self.key())
    }

    /// What is told for an error that the web framework made up itself.
    #[must_use]
    pub fn of_framework(status: StatusCode) -> Self {
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
