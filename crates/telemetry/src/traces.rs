use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use config::TracesConfig;
use kernel::{Clock, Span, SpanSink, Tracing};
use metrics::{counter, describe_counter};
use opentelemetry::KeyValue;
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{self, BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanProcessor as _};
use tokio::task::spawn_blocking;

use super::otlp::span_data;

const TRACE_SPANS: &str = "parley_trace_spans_total";

/// Spans that wait for export; further ones are dropped.
const MAX_QUEUED_SPANS: usize = 4_096;
/// Spans in one export request.
const MAX_BATCH: usize = 512;
/// How long a span waits for others to be exported with it.
const BATCH_DELAY: Duration = Duration::from_secs(1);
/// How long the collector may take to accept a batch.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// What remains of the 25 s of a process's shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(1_500);

/// The exporter cannot be created.
#[derive(Debug, thiserror::Error)]
#[error("the trace exporter cannot start: {0}")]
pub struct TracesError(#[from] ExporterBuildError);

/// Describes the exporter's counters and sets them to zero.
pub(super) fn register_metrics() {
    describe_counter!(TRACE_SPANS, "Spans for the trace collector, by outcome");
    for outcome in ["exported", "failed"] {
        counter!(TRACE_SPANS, "outcome" => outcome).increment(0);
    }
}

/// The traces of a process: the recorder, and the queue to the collector.
#[derive(Debug)]
pub struct Traces {
    pub tracing: Tracing,
    processor: Option<Arc<BatchSpanProcessor>>,
}

impl Traces {
    /// Starts the export thread, if a collector is configured. An unreachable collector is no error: spans are dropped.
    ///
    /// # Errors
    /// [`TracesError`] when the HTTP client cannot be created.
    pub fn start(config: &TracesConfig, clock: &dyn Clock) -> Result<Self, TracesError> {
        let Some(endpoint) = &config.endpoint else {
            return Ok(Self { tracing: Tracing::off(), processor: None });
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(endpoint.as_str())
            .with_timeout(EXPORT_TIMEOUT)
            .build()?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(MAX_QUEUED_SPANS)
            .with_max_export_batch_size(MAX_BATCH)
            .with_scheduled_delay(BATCH_DELAY)
            .build();
        let mut processor =
            BatchSpanProcessor::new(ObservedExporter { exporter, healthy: AtomicBool::new(true) }, batches);
        let service = [
            KeyValue::new("service.name", "parley"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", clock.new_id().to_string()),
        ];
        processor.set_resource(&Resource::builder_empty().with_attributes(service).build());
        tracing::info!(endpoint = endpoint.as_str(), ratio = config.ratio, "trace export started");
        let processor = Arc::new(processor);
        let tracing = Tracing::to(Arc::new(ExportQueue(Arc::clone(&processor))), config.ratio);
        Ok(Self { tracing, processor: Some(processor) })
    }

    /// Exports the queued spans, within the shutdown timeout.
    pub async fn finish(self) {
        if let Some(processor) = self.processor {
            // The exporter logs and counts failures.
            let _ = spawn_blocking(move || processor.shutdown_with_timeout(SHUTDOWN_TIMEOUT)).await;
        }
    }
}

#[derive(Debug)]
struct ExportQueue(Arc<BatchSpanProcessor>);

impl SpanSink for ExportQueue {
    fn record(&self, span: Span) {
        self.0.on_end(span_data(span));
    }
}

/// Counts exported and dropped spans, and logs when the collector fails and when it recovers.
#[derive(Debug)]
struct ObservedExporter {
    exporter: SpanExporter,
    /// Whether the last export succeeded.
    healthy: AtomicBool,
}

impl trace::SpanExporter for ObservedExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let outcome = self.exporter.export(batch).await;
        let count = counter!(TRACE_SPANS, "outcome" => if outcome.is_ok() { "exported" } else { "failed" });
        count.increment(spans as u64);
        match (&outcome, self.healthy.swap(outcome.is_ok(), Ordering::Relaxed)) {
            (Ok(()), false) => tracing::info!("trace export recovered"),
            (Err(reason), true) => {
                tracing::warn!(%reason, "trace export failed; spans dropped");
            }
            _ => {}
        }
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
