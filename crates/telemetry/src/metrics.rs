use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_util::MetricKindMask;

use super::traces;

/// The name of a histogram and the upper bounds of its buckets.
pub type Buckets = (&'static str, &'static [f64]);

/// The buckets of durations without buckets of their own: 1 ms to 10 s.
const SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// A gauge that was not set for this long is dropped, so that an outage does not look healthy. Each gauge is set at least
/// once a minute.
const GAUGE_TIMEOUT: Duration = Duration::from_secs(90);

/// How often recorded values are moved into buckets between scrapes; without it the registry grows.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, thiserror::Error)]
#[error("metrics cannot be recorded: {0}")]
pub struct MetricsError(String);

/// The process's registry, created by the first call. Until then, recording does nothing.
///
/// `register` are the functions that describe metrics and set counters to zero; `buckets` are those of histograms other than
/// durations up to 10 s. Later calls ignore both.
///
/// # Errors
/// [`MetricsError`] when another recorder is installed.
pub fn init_metrics(register: &[fn()], buckets: &[Buckets]) -> Result<PrometheusHandle, MetricsError> {
    static REGISTRY: OnceLock<Result<PrometheusHandle, MetricsError>> = OnceLock::new();
    REGISTRY.get_or_init(|| install(register, buckets).map_err(|error| MetricsError(error.to_string()))).clone()
}

fn install(register: &[fn()], buckets: &[Buckets]) -> Result<PrometheusHandle, BuildError> {
    let handle = builder(GAUGE_TIMEOUT, buckets)?.install_recorder()?;
    traces::register_metrics();
    for register in register {
        register();
    }
    let upkeep = handle.clone();
    // A thread, not a task: the registry outlives every runtime.
    let spawned = thread::Builder::new().name("metrics".to_owned()).spawn(move || {
        loop {
            thread::sleep(UPKEEP_INTERVAL);
            upkeep.run_upkeep();
        }
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "starting the metrics upkeep thread failed; upkeep runs on scrapes only");
    }
    Ok(handle)
}

fn builder(gauge_timeout: Duration, buckets: &[Buckets]) -> Result<PrometheusBuilder, BuildError> {
    let mut builder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?;
    for (name, bounds) in buckets {
        builder = builder.set_buckets_for_metric(Matcher::Full((*name).to_owned()), bounds)?;
    }
    Ok(builder.idle_timeout(MetricKindMask::GAUGE, Some(gauge_timeout)))
}

#[cfg(test)]
mod tests {
    use metrics::{counter, gauge, histogram, with_local_recorder};

    use super::*;

    #[test]
    fn stale_gauge_is_dropped_and_counter_is_kept() {
        let recorder = builder(Duration::from_millis(50), &[]).unwrap().build_recorder();
        let handle = recorder.handle();
        with_local_recorder(&recorder, || {
            counter!("rare_total").increment(0);
            gauge!("waiting").set(0.0);
            assert!(handle.render().contains("\nwaiting 0"));
            while handle.render().contains("waiting") {
                thread::yield_now();
            }
            assert!(handle.render().contains("rare_total 0"), "counters are never dropped");
            gauge!("waiting").set(3.0);
            assert!(handle.render().contains("waiting 3"));
        });
    }

    #[test]
    fn named_histogram_has_its_own_buckets() {
        let recorder = builder(GAUGE_TIMEOUT, &[("batch_size", &[1.0, 256.0])]).unwrap().build_recorder();
        with_local_recorder(&recorder, || {
            histogram!("wait_seconds").record(0.0);
            histogram!("batch_size").record(0.0);
        });
        let text = recorder.handle().render();
        assert!(text.contains(r#"wait_seconds_bucket{le="0.25"}"#), "{text}");
        assert!(text.contains(r#"batch_size_bucket{le="256"}"#), "{text}");
    }
}
