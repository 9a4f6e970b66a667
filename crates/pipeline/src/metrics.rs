//! What the loops count and measure. Labels come from small fixed sets.

use inbound::{ErrorClass, EventKind};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram};

/// Its buckets are those of a count.
pub const BATCH_SIZE: &str = "parley_webhook_batch_size";
pub(crate) const PUBLISHED: &str = "parley_publish_total";
pub(crate) const EVENTS: &str = "parley_webhook_events_total";
pub(crate) const PROCESSING: &str = "parley_event_processing_seconds";
/// Its buckets reach to hours: after an outage, events are that old.
pub const END_TO_END: &str = "parley_event_end_to_end_seconds";
pub(crate) const RETRIES: &str = "parley_event_retries_total";
pub(crate) const DEAD_LETTERED: &str = "parley_events_dead_lettered_total";
pub(crate) const WAITING: &str = "parley_events_waiting";
pub(crate) const OLDEST_WAITING: &str = "parley_events_oldest_waiting_seconds";
pub(crate) const DEAD_LETTERS: &str = "parley_events_dead_letter";
pub(crate) const QUEUE_MESSAGES: &str = "parley_queue_messages";
pub(crate) const QUEUE_CONSUMERS: &str = "parley_queue_consumers";
pub(crate) const SIGNING_KEY_AGE: &str = "parley_signing_key_age_seconds";

/// Tells the process's recorder what the names mean; once, after it was installed.
pub fn describe() {
    describe_histogram!(BATCH_SIZE, "Events that are stored together");
    describe_counter!(PUBLISHED, "Events given to the broker, by what it said");
    describe_counter!(EVENTS, "Events that are finished, by kind and outcome");
    describe_histogram!(PROCESSING, Unit::Seconds, "From an event being taken up to its outcome being committed");
    describe_histogram!(END_TO_END, Unit::Seconds, "From an event being stored to its outcome being committed");
    describe_counter!(RETRIES, "Failures after which an event is tried again, by kind and reason");
    describe_counter!(DEAD_LETTERED, "Events that became dead letters, by kind and reason");
    describe_gauge!(WAITING, "Events that are not finished, by status, as the database has them");
    describe_gauge!(OLDEST_WAITING, Unit::Seconds, "Since the oldest of them came in, by status");
    describe_gauge!(DEAD_LETTERS, "Dead letters, as the database has them");
    describe_gauge!(QUEUE_MESSAGES, "Messages that wait in a queue, as the broker has them");
    describe_gauge!(
        SIGNING_KEY_AGE,
        Unit::Seconds,
        "Since a signing key is in its state, the oldest by state; 0 for none"
    );
    describe_gauge!(QUEUE_CONSUMERS, "Consumers of a queue, as the broker has them");
}

/// Counters that alerts stand on begin at zero: one that is born with its first increment has not risen.
pub fn begin_at_zero() {
    for outcome in ["confirmed", "returned", "nacked", "error"] {
        counter!(PUBLISHED, "outcome" => outcome).increment(0);
    }
    for kind in EventKind::LABELS {
        for outcome in ["processed", "dead_letter"] {
            counter!(EVENTS, "kind" => kind, "outcome" => outcome).increment(0);
        }
        for class in ErrorClass::ALL {
            counter!(DEAD_LETTERED, "kind" => kind, "reason" => class.key()).increment(0);
            if class.may_pass() {
                counter!(RETRIES, "kind" => kind, "reason" => class.key()).increment(0);
            }
        }
    }
}
