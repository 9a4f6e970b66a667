use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::metrics::counter;
use kernel::{Clock, Span, SpanSink, Tracing};
use opentelemetry::KeyValue;
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{self, BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanProcessor as _};
use tokio::task::spawn_blocking;

use super::metrics::TRACE_SPANS;
use super::otlp::span_data;
use crate::config::TracesConfig;

/// Spans that wait for the collector at most; further ones are lost.
const CAPACITY: usize = 4_096;
/// Spans that go out together at most.
const BATCH: usize = 512;
/// How long a span waits for others.
const LINGER: Duration = Duration::from_secs(1);
/// What a collector may take for a batch.
const DEADLINE: Duration = Duration::from_secs(5);
/// What is left of the 25 s in which a process ends.
const LAST_BATCH: Duration = Duration::from_millis(1_500);

/// The traces of a process: what records them, and what carries them to the collector.
#[derive(Debug)]
pub(crate) struct Traces {
    pub(crate) tracing: Tracing,
    processor: Option<Arc<BatchSpanProcessor>>,
}

impl Traces {
    /// Starts a thread that exports, if a collector is configured. Whether there is one is not asked: traces are worth no
    /// waiting and no failing.
    ///
    /// # Errors
    /// When there can be no client for HTTP.
    pub(crate) fn start(config: &TracesConfig, clock: &dyn Clock) -> Result<Self, ExporterBuildError> {
        let Some(endpoint) = &config.endpoint else {
            return Ok(Self { tracing: Tracing::off(), processor: None });
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(endpoint.as_str())
            .with_timeout(DEADLINE)
            .build()?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(CAPACITY)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(LINGER)
            .build();
        let mut processor = BatchSpanProcessor::new(Watched { exporter, well: AtomicBool::new(true) }, batches);
        let service = [
            KeyValue::new("service.name", "parley"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", clock.new_id().to_string()),
        ];
        processor.set_resource(&Resource::builder_empty().with_attributes(service).build());
        tracing::info!(endpoint = endpoint.as_str(), ratio = config.ratio, "traces");
        let processor = Arc::new(processor);
        let tracing = Tracing::to(Arc::new(Queue(Arc::clone(&processor))), config.ratio);
        Ok(Self { tracing, processor: Some(processor) })
    }

    /// Hands over what waits, for as long as there is time.
    pub(crate) async fn finish(self) {
        if let Some(processor) = self.processor {
            // How it went was told by whoever tried.
            let _ = spawn_blocking(move || processor.shutdown_with_timeout(LAST_BATCH)).await;
        }
    }
}

#[derive(Debug)]
struct Queue(Arc<BatchSpanProcessor>);

impl SpanSink for Queue {
    fn record(&self, span: Span) {
        self.0.on_end(span_data(span));
    }
}

/// Counts what the collector took and what it did not, and tells of a collector that is away, once.
#[derive(Debug)]
struct Watched {
    exporter: SpanExporter,
    /// How the last batch went.
    well: AtomicBool,
}

impl trace::SpanExporter for Watched {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let outcome = self.exporter.export(batch).await;
        let count = counter!(TRACE_SPANS, "outcome" => if outcome.is_ok() { "exported" } else { "failed" });
        count.increment(spans as u64);
        match (&outcome, self.well.swap(outcome.is_ok(), Ordering::Relaxed)) {
            (Ok(()), false) => tracing::info!("the collector takes traces again"),
            (Err(reason), true) => {
                tracing::warn!(%reason, "the collector does not take traces; they are lost");
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
