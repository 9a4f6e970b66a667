//! Metrics of password hashing.

use metrics::{Unit, describe_gauge, describe_histogram, gauge};

pub(crate) const PASSWORD_HASH: &str = "parley_password_hash_seconds";
pub(crate) const PASSWORD_HASH_QUEUE: &str = "parley_password_hash_queue";

/// Describes the metrics to the installed recorder. Call it once, after installing the recorder.
pub fn describe() {
    describe_histogram!(PASSWORD_HASH, Unit::Seconds, "One hash of a password, without waiting for a core");
    describe_gauge!(PASSWORD_HASH_QUEUE, "Passwords that wait for a core to be hashed on");
}

/// Refreshes the gauge of the queue: gauges that are not updated are not exported.
pub fn refresh() {
    gauge!(PASSWORD_HASH_QUEUE).increment(0);
}
