//! Logs, metrics and traces of a process.
//!
//! - [`init_logs`]: log lines on standard error, as JSON or text; a panic is a log line, too.
//! - [`init_metrics`]: the registry that Prometheus scrapes. Each crate names, describes and records its own metrics; this
//!   crate holds only the registry and the metrics of the trace exporter. Labels come from small closed sets: never a tenant,
//!   a number or free text.
//! - [`Traces`]: exports spans to a collector by OTLP.
//!
//! Spans are recorded through `kernel::Tracing`, not through `tracing-opentelemetry`: the spans of a batch have parents in as
//! many traces as it has events, and their start, end and outcome are known only after the batch. As `tracing` spans they would
//! be built for each event, sampled or not, and the stored `traceparent`, its parser and the sampling would still be needed.
//!
//! Invariant: no log line holds personal data, a secret or the text of a message. Libraries therefore log at `info` and above
//! only, and of a panic only the words before the first value are logged.

mod invalid_requests;
mod json;
mod logs;
mod metrics;
mod otlp;
mod panics;
mod traces;

pub use logs::{LogsError, init_logs};
pub use metrics::{Buckets, MetricsError, init_metrics};
pub use traces::{Traces, TracesError};
