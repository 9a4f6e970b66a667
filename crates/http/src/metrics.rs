//! The metrics that this crate records.

use metrics::{Unit, counter, describe_counter, describe_histogram};

pub(crate) const HTTP_REQUESTS: &str = "parley_http_requests_total";
pub(crate) const HTTP_REQUEST_DURATION: &str = "parley_http_request_duration_seconds";
pub(crate) const AUTH_ATTEMPTS: &str = "parley_auth_attempts_total";
pub(crate) const WEBHOOK_DELIVERIES: &str = "parley_webhook_deliveries_total";
pub const WEBHOOK_ACCEPT: &str = "parley_webhook_accept_seconds";

/// The outcomes of each action that authenticates a caller.
const ATTEMPTS: [(&str, &[&str]); 7] = [
    ("login", &["ok", "invalid_credentials", "throttled", "busy", "failed"]),
    (
        "register",
        &["ok", "invalid_credentials", "closed", "email_taken", "weak_password", "throttled", "busy", "failed"],
    ),
    ("signup", &["ok", "slug_taken", "busy", "failed"]),
    ("password", &["ok", "wrong_password", "throttled", "busy", "failed"]),
    ("refresh", &["ok", "invalid_token", "expired", "reuse", "conflict", "tenant_mismatch", "failed"]),
    ("token", &["ok", "invalid_token", "failed"]),
    ("provisioning_key", &["ok", "invalid_token", "failed"]),
];

const DELIVERIES: [&str; 6] = ["stored", "duplicate", "bad_signature", "unknown_account", "malformed", "failed"];

/// Names the metrics' units and meanings for Prometheus.
pub fn describe_metrics() {
    describe_counter!(HTTP_REQUESTS, "Requests, by route, method and status");
    describe_histogram!(HTTP_REQUEST_DURATION, Unit::Seconds, "From a request's head to its response's head");
    describe_counter!(AUTH_ATTEMPTS, "Authentication attempts, by action and outcome");
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
    for outcome in DELIVERIES {
        counter!(WEBHOOK_DELIVERIES, "outcome" => outcome).increment(0);
    }
}
