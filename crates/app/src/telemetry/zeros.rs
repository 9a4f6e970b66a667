use metrics::counter;

use super::metrics::{AUTH_ATTEMPTS, TRACE_SPANS, WEBHOOK_DELIVERIES};

/// What may become of each way in.
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

/// Counters begin at zero with every value that their labels can have: one that is born with its first increment has not
/// risen, so an alert would miss the first of what is rare.
pub(super) fn begin() {
    for (action, outcomes) in ATTEMPTS {
        for outcome in outcomes {
            counter!(AUTH_ATTEMPTS, "action" => action, "outcome" => *outcome).increment(0);
        }
    }
    for outcome in DELIVERIES {
        counter!(WEBHOOK_DELIVERIES, "outcome" => outcome).increment(0);
    }
    for outcome in ["exported", "failed"] {
        counter!(TRACE_SPANS, "outcome" => outcome).increment(0);
    }
    pipeline::begin_at_zero();
}
