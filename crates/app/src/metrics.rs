use metrics_exporter_prometheus::PrometheusHandle;
use telemetry::MetricsError;

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
    telemetry::init_metrics(&register, &pipeline::BUCKETS)
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
