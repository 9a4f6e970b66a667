//! What the process tells about itself: logs, metrics and traces.

mod json;
mod logs;
pub mod metrics;
mod otlp;
mod panics;
mod traces;
mod zeros;

pub use logs::{LogsError, init_logs};
pub use metrics::{MetricsError, init_metrics};
pub(crate) use traces::Traces;
