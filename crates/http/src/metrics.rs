//! The metrics that this crate records.

use metrics::{Unit, counter, describe_counter, describe_histogram};

pub(crate) const HTTP_REQUESTS: &str = "parley_http_requests_total";
pub(crate) const HTTP_REQUEST_DURATION: &str = "parley_http_request_duration_seconds";
pub(crate) const AUTH_ATTEMPTS: &str = "parley_auth_attempts_total";
pub(crate) const WEBHOOK_DELIVERIES: &str = "parley_webhook_deliveries_total";
pub(crate) const RATE_LIMITED: &str = "parley_rate_limited_total";
pub(crate) const ANONYMOUS_REFUSALS: &str = "parley_anonymous_refusals_total";
/// The action of [`AUTH_ATTEMPTS`] whose outcomes are those of [`tokens::ApiKeyRefusal`].
pub(crate) const API_KEY: &str = "api_key";
pub const WEBHOOK_ACCEPT: &str = "parley_webhook_accept_seconds";

/// The outcomes of each action that authenticates a caller.
const ATTEMPTS: [(&str, &[&str]); 8] = [
    ("login", &["ok", "invalid_credentials", "throttled", "busy", "failed"]),
    (
        "register",
        &["ok", "invalid_credentials", "closed", "email_taken", "weak_password", "throttled", "busy", "failed"],
    ),
    ("signup", &["ok", "slug_taken", "throttled", "busy", "failed"]),
    ("password", &["ok", "wrong_password", "throttled", "busy", "failed"]),
    ("refresh", &["ok", "invalid_token", "expired", "reuse", "conflict", "tenant_mismatch", "failed"]),
    ("token", &["ok", "invalid_token", "failed"]),
    (
        API_KEY,
        &[
            "ok",
            "malformed",
            "unknown",
            "wrong_secret",
            "revoked",
            "expired",
            "outside_networks",
            "tenant_suspended",
            "failed",
        ],
    ),
    ("provisioning_key", &["ok", "invalid_token", "failed"]),
];

/// The limits that refuse requests.
const LIMITS: [&str; 8] =
    ["signup", "registration", "unknown_caller", "user", "api_key", "address", "tenant", "expensive_read"];

/// Why requests to operators' paths were refused whose callers hold no key.
pub(crate) const NO_KEY: &str = "no_key";
pub(crate) const INVALID_KEY: &str = "invalid_key";

const DELIVERIES: [&str; 6] = ["stored", "duplicate", "bad_signature", "unknown_account", "malformed", "failed"];

/// Names the metrics' units and meanings for Prometheus.
pub fn describe_metrics() {
    describe_counter!(HTTP_REQUESTS, "Requests, by route, method and status");
    describe_histogram!(HTTP_REQUEST_DURATION, Unit::Seconds, "From a request's head to its response's head");
    describe_counter!(AUTH_ATTEMPTS, "Authentication attempts, by action and outcome");
    describe_counter!(RATE_LIMITED, "Requests that a limit refused, by limit");
    describe_counter!(ANONYMOUS_REFUSALS, "Requests to operators' paths without a valid key, by reason");
    describe_counter!(WEBHOOK_DELIVERIES, "Webhook deliveries from Meta, by outcome");
    describe_histogram!(WEBHOOK_ACCEPT, Unit::Seconds, "From a delivery's valid signature to its stored events");
}

/// Sets each counter to zero for all values of its labels. A series that first appears at 1 shows no increase, so an alert
/// would miss the first occurrence of a rare event.
pub fn begin_at_zero() {
    for (action, outcomes) in ATTEMPTS {
        for outcome in outcomes {
            counter!(AUTH_ATTEMPTS, "action" => action, "outcome" => *outcome).increment(0);
        }
    }
    for limit in LIMITS {
        counter!(RATE_LIMITED, "limit" => limit).increment(0);
    }
    for reason in [NO_KEY, INVALID_KEY] {
        counter!(ANONYMOUS_REFUSALS, "reason" => reason).increment(0);
    }
    for outcome in DELIVERIES {
        counter!(WEBHOOK_DELIVERIES, "outcome" => outcome).increment(0);
    }
}
