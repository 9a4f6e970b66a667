//! Metrics of the loops. Labels come from small fixed sets.

use audit::Provenance;
use inbound::ErrorClass;
use jobs::JobKind;
use media::{MediaFailure, MediaState};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram};
use outbound::PauseScope;
use whatsapp::EventKind;

pub const BATCH_SIZE: &str = "parley_webhook_batch_size";
pub(crate) const DROPPED: &str = "parley_webhook_events_dropped_total";
pub(crate) const PUBLISHED: &str = "parley_publish_total";
pub(crate) const EVENTS: &str = "parley_webhook_events_total";
pub(crate) const PROCESSING: &str = "parley_event_processing_seconds";
pub const END_TO_END: &str = "parley_event_end_to_end_seconds";
pub(crate) const RETRIES: &str = "parley_event_retries_total";
pub(crate) const DEAD_LETTERED: &str = "parley_events_dead_lettered_total";
pub(crate) const WAITING: &str = "parley_events_waiting";
pub(crate) const OLDEST_WAITING: &str = "parley_events_oldest_waiting_seconds";
pub(crate) const DEAD_LETTERS: &str = "parley_events_dead_letter";
pub(crate) const QUEUE_MESSAGES: &str = "parley_queue_messages";
pub(crate) const QUEUE_CONSUMERS: &str = "parley_queue_consumers";
pub(crate) const AUDIT_SEALED: &str = "parley_audit_records_sealed_total";
pub(crate) const AUDIT_FAILURES: &str = "parley_audit_sealing_failures_total";
pub(crate) const AUDIT_OLDEST_UNSEALED: &str = "parley_audit_oldest_unsealed_seconds";
pub(crate) const SEND_BATCH_SIZE: &str = "parley_send_batch_size";
pub(crate) const SENDS: &str = "parley_sends_total";
pub(crate) const JOBS: &str = "parley_jobs_total";
pub(crate) const JOBS_WAITING: &str = "parley_jobs_waiting";
pub(crate) const JOBS_OLDEST_WAITING: &str = "parley_jobs_oldest_waiting_seconds";
pub(crate) const DEAD_JOBS: &str = "parley_jobs_dead_letter";
pub(crate) const SEND_ERRORS: &str = "parley_send_errors_total";
pub(crate) const SEND_ATTEMPTS: &str = "parley_send_attempts";
pub(crate) const SEND_ACCEPTED: &str = "parley_send_accepted_seconds";
pub(crate) const SEND_DELIVERED: &str = "parley_send_delivered_seconds";
pub(crate) const SENDS_WAITING: &str = "parley_sends_waiting";
pub(crate) const SENDS_OLDEST_WAITING: &str = "parley_sends_oldest_waiting_seconds";
pub(crate) const SENDING_PAUSES: &str = "parley_sending_pauses_total";
pub(crate) const SENDING_PAUSED: &str = "parley_sending_paused_accounts";
pub(crate) const TOKENS_ENDING: &str = "parley_whatsapp_tokens_ending";
pub(crate) const TOKENS_REFUSED: &str = "parley_whatsapp_tokens_refused";
pub(crate) const MEDIA_WAITING: &str = "parley_media_waiting";
pub(crate) const MEDIA_OLDEST_WAITING: &str = "parley_media_oldest_waiting_seconds";
pub(crate) const MEDIA_WITHOUT_TOKEN: &str = "parley_media_waiting_without_token";
pub(crate) const MEDIA_STORED: &str = "parley_media_stored_seconds";
pub(crate) const MEDIA_BYTES: &str = "parley_media_stored_bytes_total";
pub(crate) const MEDIA_FAILURES: &str = "parley_media_failures_total";
pub(crate) const MEDIA_ENDED: &str = "parley_media_lost_total";
pub(crate) const MEDIA_DELETIONS: &str = "parley_media_deletions_waiting";
pub(crate) const MEDIA_OLDEST_DELETION: &str = "parley_media_oldest_deletion_seconds";
pub(crate) const MEDIA_MISSING: &str = "parley_media_missing_objects";
pub(crate) const MEDIA_STORE_UP: &str = "parley_media_store_up";
pub(crate) const MEDIA_STORE_FAILURES: &str = "parley_media_store_failures_total";
pub(crate) const SIGNING_KEY_AGE: &str = "parley_signing_key_age_seconds";

/// From an event's storage to its outcome: the objective of seconds, retries for two hours, and outages of a day.
const END_TO_END_BUCKETS: [f64; 16] =
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0, 86_400.0];

/// Events that are stored in one transaction.
const BATCH_SIZE_BUCKETS: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 256.0, 1_000.0];

/// Requests to send that are stored in one transaction.
const SEND_BATCH_SIZE_BUCKETS: [f64; 8] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 128.0];

/// From the wish to send something until Meta has it, or the customer: seconds, the waits of back-offs, phones that are off for days.
const SEND_BUCKETS: [f64; 16] =
    [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0, 86_400.0, 259_200.0, 604_800.0];

/// Calls until a send has ended.
const ATTEMPT_BUCKETS: [f64; 7] = [1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0];

/// The histograms that are not of durations up to seconds, and the upper bounds of their buckets.
pub const BUCKETS: [(&str, &[f64]); 7] = [
    (END_TO_END, &END_TO_END_BUCKETS),
    (BATCH_SIZE, &BATCH_SIZE_BUCKETS),
    (SEND_BATCH_SIZE, &SEND_BATCH_SIZE_BUCKETS),
    (SEND_ACCEPTED, &SEND_BUCKETS),
    (SEND_DELIVERED, &SEND_BUCKETS),
    (SEND_ATTEMPTS, &ATTEMPT_BUCKETS),
    (MEDIA_STORED, &SEND_BUCKETS),
];

/// Describes the metrics to the installed recorder. Call once.
pub fn describe() {
    describe_histogram!(BATCH_SIZE, "Events stored in one batch");
    describe_counter!(
        DROPPED,
        "Unusable events of tenants' own Meta apps that were not stored, since their app's quota was used up"
    );
    describe_counter!(PUBLISHED, "Events sent to the broker, by its response");
    describe_counter!(EVENTS, "Finished events, by kind and outcome");
    describe_histogram!(
        PROCESSING,
        Unit::Seconds,
        "From the start of processing an event until its outcome is committed"
    );
    describe_histogram!(END_TO_END, Unit::Seconds, "From storing an event until its outcome is committed");
    describe_histogram!(SEND_BATCH_SIZE, "Requests to send of one tenant that are stored in one transaction");
    describe_counter!(SENDS, "Calls to Meta to send something, by outcome and the state of the send afterwards");
    describe_counter!(SEND_ERRORS, "Calls to Meta to send something that did not succeed, by the class of the error");
    describe_histogram!(SEND_ATTEMPTS, "Calls to Meta until a send was accepted, failed or stayed unclear");
    describe_histogram!(
        SEND_ACCEPTED,
        Unit::Seconds,
        "From the time at which something was to be sent until Meta accepted it"
    );
    describe_histogram!(
        SEND_DELIVERED,
        Unit::Seconds,
        "From the time at which something was to be sent until WhatsApp delivered it, by the status's time"
    );
    describe_gauge!(SENDS_WAITING, "Sends in the database that have not ended, by state");
    describe_gauge!(
        SENDS_OLDEST_WAITING,
        Unit::Seconds,
        "Age of the oldest send that is due, or that is unclear, by state; 0 for none"
    );
    describe_counter!(SENDING_PAUSES, "Pauses of sending that began, by what is paused");
    describe_gauge!(SENDING_PAUSED, "WhatsApp accounts with a pause of the account as a whole");
    describe_counter!(RETRIES, "Failures that are retried, by kind and reason");
    describe_counter!(DEAD_LETTERED, "Events that became dead letters, by kind and reason");
    describe_gauge!(WAITING, "Unfinished events in the database, by status");
    describe_gauge!(OLDEST_WAITING, Unit::Seconds, "Age of the oldest unfinished event, by status");
    describe_gauge!(DEAD_LETTERS, "Dead letters in the database");
    describe_gauge!(QUEUE_MESSAGES, "Messages ready in a queue, as reported by the broker");
    describe_gauge!(
        SIGNING_KEY_AGE,
        Unit::Seconds,
        "Time since a signing key entered its state, of the oldest per state; 0 for none"
    );
    describe_counter!(JOBS, "Runs of jobs, by kind and outcome");
    describe_gauge!(JOBS_WAITING, "Jobs that are due or running, by kind");
    describe_gauge!(
        JOBS_OLDEST_WAITING,
        Unit::Seconds,
        "Time since the job that is due longest is due, by kind; 0 for none"
    );
    describe_gauge!(DEAD_JOBS, "Jobs that are dead letters, by kind");
    describe_gauge!(MEDIA_WAITING, "Files of messages that are still at Meta");
    describe_gauge!(
        MEDIA_OLDEST_WAITING,
        Unit::Seconds,
        "Age of the oldest message whose file is still at Meta, which deletes it after 7 days; 0 for none"
    );
    describe_gauge!(MEDIA_WITHOUT_TOKEN, "Files that are still at Meta because their accounts have no usable token");
    describe_histogram!(MEDIA_STORED, Unit::Seconds, "From the time of a message until its file is stored");
    describe_counter!(MEDIA_BYTES, Unit::Bytes, "Bytes of files that were fetched from Meta and stored");
    describe_counter!(MEDIA_FAILURES, "Attempts to fetch a file from Meta that failed, by reason");
    describe_counter!(MEDIA_ENDED, "Files that are not fetched any more, by the state in which they ended");
    describe_gauge!(MEDIA_DELETIONS, "Objects that are to be deleted from the store");
    describe_gauge!(MEDIA_OLDEST_DELETION, Unit::Seconds, "Age of the oldest deletion of an object; 0 for none");
    describe_gauge!(MEDIA_MISSING, "Objects that the store had lost when it was last compared with the database");
    describe_gauge!(MEDIA_STORE_UP, "1 if the object store answers, else 0");
    describe_counter!(MEDIA_STORE_FAILURES, "Times at which the object store did not answer when it was asked");
    describe_gauge!(TOKENS_ENDING, "Access tokens of WhatsApp accounts that end within 7 days");
    describe_gauge!(TOKENS_REFUSED, "Access tokens of WhatsApp accounts that Meta refused when they were last used");
    describe_counter!(AUDIT_SEALED, "Sealed audit records, by what their MAC said about who wrote them");
    describe_counter!(AUDIT_FAILURES, "Logs in which audit records could not be sealed, each time");
    describe_gauge!(AUDIT_OLDEST_UNSEALED, Unit::Seconds, "Age of the oldest unsealed audit record; 0 for none");
    describe_gauge!(QUEUE_CONSUMERS, "Consumers of a queue, as reported by the broker");
}

/// Sets the counters that alerts use to zero: a counter that appears with its first increment has no increase.
pub fn begin_at_zero() {
    for outcome in ["confirmed", "returned", "nacked", "error"] {
        counter!(PUBLISHED, "outcome" => outcome).increment(0);
    }
    for failure in MediaFailure::ALL {
        counter!(MEDIA_FAILURES, "reason" => failure.into_str()).increment(0);
    }
    for state in [MediaState::Expired, MediaState::Refused, MediaState::Gone] {
        counter!(MEDIA_ENDED, "state" => state.into_str()).increment(0);
    }
    for provenance in Provenance::ALL {
        counter!(AUDIT_SEALED, "provenance" => provenance.into_str()).increment(0);
    }
    for (outcome, state) in [("accepted", "accepted"), ("refused", "failed"), ("unclear", "unknown")] {
        counter!(SENDS, "outcome" => outcome, "state" => state).increment(0);
    }
    for class in outbound::ErrorClass::ALL {
        counter!(SEND_ERRORS, "class" => class.into_str()).increment(0);
    }
    for class in ["unclear", "unreachable"] {
        counter!(SEND_ERRORS, "class" => class).increment(0);
    }
    for scope in PauseScope::ALL {
        counter!(SENDING_PAUSES, "scope" => scope.into_str()).increment(0);
    }
    counter!(AUDIT_FAILURES).increment(0);
    counter!(DROPPED).increment(0);
    for kind in JobKind::ALL {
        for outcome in ["done", "retry", "dead", "poison", "lost"] {
            counter!(JOBS, "kind" => kind.into_str(), "outcome" => outcome).increment(0);
        }
    }
    for kind in EventKind::LABELS {
        for outcome in ["processed", "dead_letter"] {
            counter!(EVENTS, "kind" => kind, "outcome" => outcome).increment(0);
        }
        for class in ErrorClass::ALL {
            counter!(DEAD_LETTERED, "kind" => kind, "reason" => class.into_str()).increment(0);
            if class.is_retryable() {
                counter!(RETRIES, "kind" => kind, "reason" => class.into_str()).increment(0);
            }
        }
    }
}
