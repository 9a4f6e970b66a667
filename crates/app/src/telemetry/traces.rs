use std::sync::Arc;
use std::time::Duration;

use ::metrics::counter;
use kernel::{Clock, Span, SpanSink, Tracing};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::metrics::TRACE_SPANS;
use super::otlp::{Export, Resource};
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
    exporter: Option<(CancellationToken, JoinHandle<()>)>,
}

impl Traces {
    /// Starts to export on the current runtime, if a collector is configured. Whether there is one is not asked: traces
    /// are worth no waiting and no failing.
    ///
    /// # Errors
    /// When there can be no client for HTTP.
    pub(crate) fn start(config: &TracesConfig, clock: &dyn Clock) -> Result<Self, reqwest::Error> {
        let Some(endpoint) = config.endpoint.clone() else {
            return Ok(Self { tracing: Tracing::off(), exporter: None });
        };
        let client = Client::builder().timeout(DEADLINE).build()?;
        let (sender, spans) = mpsc::channel(CAPACITY);
        let (instance, stop) = (clock.new_id().to_string(), CancellationToken::new());
        tracing::info!(endpoint = endpoint.as_str(), ratio = config.ratio, "traces");
        let exporter = Exporter { client, endpoint, instance, spans, well: true };
        let running = tokio::spawn(exporter.run(stop.clone()));
        Ok(Self { tracing: Tracing::to(Arc::new(Queue(sender)), config.ratio), exporter: Some((stop, running)) })
    }

    /// Hands over what waits, for as long as there is time.
    pub(crate) async fn finish(self) {
        if let Some((stop, running)) = self.exporter {
            stop.cancel();
            let _ = timeout(LAST_BATCH, running).await;
        }
    }
}

#[derive(Debug)]
struct Queue(mpsc::Sender<Span>);

impl SpanSink for Queue {
    fn record(&self, span: Span) {
        if self.0.try_send(span).is_err() {
            count("dropped", 1);
        }
    }
}

struct Exporter {
    client: Client,
    endpoint: Url,
    instance: String,
    spans: mpsc::Receiver<Span>,
    /// How the last batch went: a collector that is away is told of once.
    well: bool,
}

impl Exporter {
    async fn run(mut self, stop: CancellationToken) {
        loop {
            let batch = self.next_batch(&stop).await;
            if batch.is_empty() {
                return;
            }
            let outcome = self.send(&batch).await;
            count(if outcome.is_ok() { "exported" } else { "failed" }, batch.len());
            self.tell(outcome);
        }
    }

    /// What there is after a little while, or as much as goes out together; nothing when there will be none any more.
    async fn next_batch(&mut self, stop: &CancellationToken) -> Vec<Span> {
        let mut batch = Vec::new();
        let first = tokio::select! {
            first = self.spans.recv() => first,
            () = stop.cancelled() => self.spans.try_recv().ok(),
        };
        batch.extend(first);
        let end = Instant::now() + LINGER;
        while !batch.is_empty() && batch.len() < BATCH {
            let next = tokio::select! {
                biased;
                next = timeout_at(end, self.spans.recv()) => next.ok().flatten(),
                () = stop.cancelled() => self.spans.try_recv().ok(),
            };
            match next {
                Some(span) => batch.push(span),
                None => break,
            }
        }
        batch
    }

    async fn send(&self, batch: &[Span]) -> Result<(), String> {
        let body = serde_json::to_vec(&Export::of(Resource::of(&self.instance), batch)).map_err(|it| it.to_string())?;
        let request = self.client.post(self.endpoint.clone()).header(CONTENT_TYPE, "application/json").body(body);
        match request.send().await.map(|response| response.status()) {
            Ok(StatusCode::OK) => Ok(()),
            Ok(status) => Err(format!("it answers {status}")),
            Err(error) => Err(kernel::error_chain(&error)),
        }
    }

    fn tell(&mut self, outcome: Result<(), String>) {
        match outcome {
            Ok(()) if !self.well => tracing::info!("the collector takes traces again"),
            Err(reason) if self.well => tracing::warn!(reason, "the collector does not take traces; they are lost"),
            Ok(()) | Err(_) => {
                return;
            }
        }
        self.well = !self.well;
    }
}

fn count(outcome: &'static str, spans: usize) {
    counter!(TRACE_SPANS, "outcome" => outcome).increment(spans as u64);
}
