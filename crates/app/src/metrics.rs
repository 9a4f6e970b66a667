use metrics_exporter_prometheus::PrometheusHandle;
use telemetry::{Buckets, MetricsError};

/// From an event's storage to its outcome: the objective of seconds, retries for two hours, and outages of a day.
const END_TO_END_BUCKETS: [f64; 16] =
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0, 86_400.0];

/// Events that are stored in one transaction.
const BATCH_SIZE_BUCKETS: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 256.0, 1_000.0];

const BUCKETS: [Buckets; 2] =
    [(pipeline::END_TO_END, &END_TO_END_BUCKETS), (pipeline::BATCH_SIZE, &BATCH_SIZE_BUCKETS)];

/// The process's registry with the metrics of all crates; created by the first call.
///
/// # Errors
/// [`MetricsError`] when another recorder is installed.
pub fn init_metrics() -> Result<PrometheusHandle, MetricsError> {
    let register = [
        crypto::describe_metrics as fn(),
        http_api::describe_metrics,
        http_api::begin_at_zero,
        pipeline::describe_metrics,
        pipeline::begin_at_zero,
        postgres::describe_metrics,
    ];
    telemetry::init_metrics(&register, &BUCKETS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_objective_is_the_bound_of_a_bucket() {
        let handle = init_metrics().unwrap();
        for name in [http_api::WEBHOOK_ACCEPT, pipeline::END_TO_END, pipeline::BATCH_SIZE] {
            ::metrics::histogram!(name).record(0.0);
        }
        let text = handle.render();
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
