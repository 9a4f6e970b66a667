//! The metrics that the process exports: their names, what they mean, and the registry that Prometheus reads.
//!
//! Labels come from small fixed sets; never a tenant, a number or free text.

use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use metrics::{Unit, describe_counter, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_util::MetricKindMask;

use super::zeros;

pub const HTTP_REQUESTS: &str = "parley_http_requests_total";
pub const HTTP_REQUEST_DURATION: &str = "parley_http_request_duration_seconds";
pub const AUTH_ATTEMPTS: &str = "parley_auth_attempts_total";
pub const WEBHOOK_DELIVERIES: &str = "parley_webhook_deliveries_total";
pub const TRACE_SPANS: &str = "parley_trace_spans_total";
pub const WEBHOOK_ACCEPT: &str = "parley_webhook_accept_seconds";

/// For everything that somebody waits for: 1 ms to 10 s.
const SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// From an event's being stored to its being finished: an objective of seconds, retries for two hours, and outages that
/// last a day.
const END_TO_END: [f64; 16] =
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0, 86_400.0];

/// For what is stored together.
const BATCHES: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 256.0, 1_000.0];

/// A gauge that nobody has set for so long is not exported any more: what is not known any more must not look well. Each
/// is set at least once a minute.
const STALE: Duration = Duration::from_secs(90);

/// How often the registry sorts what was recorded into buckets when nobody reads it, so that it does not grow.
const UPKEEP: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, thiserror::Error)]
#[error("metrics cannot be recorded: {0}")]
pub struct MetricsError(String);

/// The process's registry; made by the first call. Without one, recording costs nothing and does nothing.
///
/// # Errors
/// [`MetricsError`] when another library installed a recorder of its own.
pub fn init_metrics() -> Result<PrometheusHandle, MetricsError> {
    static REGISTRY: OnceLock<Result<PrometheusHandle, MetricsError>> = OnceLock::new();
    REGISTRY.get_or_init(|| install().map_err(|error| MetricsError(error.to_string()))).clone()
}

fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = builder(STALE)?.install_recorder()?;
    describe();
    iam::describe_metrics();
    pipeline::describe_metrics();
    postgres::describe_metrics();
    zeros::begin();
    let upkeep = handle.clone();
    // A thread rather than a task: the registry outlives every runtime.
    let spawned = thread::Builder::new().name("metrics".to_owned()).spawn(move || {
        loop {
            thread::sleep(UPKEEP);
            upkeep.run_upkeep();
        }
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "metrics have no upkeep: they are tidied up only when they are read");
    }
    Ok(handle)
}

/// With the buckets of each histogram.
fn builder(stale: Duration) -> Result<PrometheusBuilder, BuildError> {
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Full(pipeline::END_TO_END.to_owned()), &END_TO_END)?
        .set_buckets_for_metric(Matcher::Full(pipeline::BATCH_SIZE.to_owned()), &BATCHES)?
        .idle_timeout(MetricKindMask::GAUGE, Some(stale));
    Ok(builder)
}

fn describe() {
    describe_counter!(HTTP_REQUESTS, "Requests, by route, method and status");
    describe_histogram!(HTTP_REQUEST_DURATION, Unit::Seconds, "From the head of a request to the head of its answer");
    describe_counter!(AUTH_ATTEMPTS, "Attempts to get in, by action and outcome");
    describe_counter!(WEBHOOK_DELIVERIES, "Deliveries from Meta, by what became of them");
    describe_counter!(TRACE_SPANS, "Spans for the collector of traces, by what became of them");
    describe_histogram!(WEBHOOK_ACCEPT, Unit::Seconds, "From a delivery's valid signature to its events being stored");
}

#[cfg(test)]
mod tests {
    use metrics::{counter, gauge, histogram, with_local_recorder};

    use super::*;

    #[test]
    fn what_is_not_known_any_more_does_not_look_well() {
        let recorder = builder(Duration::from_millis(50)).unwrap().build_recorder();
        let handle = recorder.handle();
        with_local_recorder(&recorder, || {
            counter!("rare_total").increment(0);
            gauge!("waiting").set(0.0);
            assert!(handle.render().contains("\nwaiting 0"));
            while handle.render().contains("waiting") {
                thread::yield_now();
            }
            assert!(handle.render().contains("rare_total 0"), "what is counted stays");
            gauge!("waiting").set(3.0);
            assert!(handle.render().contains("waiting 3"));
        });
    }

    #[test]
    fn each_objective_is_the_limit_of_a_bucket() {
        let recorder = builder(STALE).unwrap().build_recorder();
        with_local_recorder(&recorder, || {
            for name in [WEBHOOK_ACCEPT, pipeline::END_TO_END, pipeline::BATCH_SIZE] {
                histogram!(name).record(0.0);
            }
        });
        let text = recorder.handle().render();
        for bucket in [
            r#"parley_webhook_accept_seconds_bucket{le="0.25"}"#,
            r#"parley_event_end_to_end_seconds_bucket{le="5"}"#,
            r#"parley_event_end_to_end_seconds_bucket{le="7200"}"#,
            r#"parley_webhook_batch_size_bucket{le="256"}"#,
        ] {
            assert!(text.contains(bucket), "{bucket} in {text}");
        }
    }
}
