//! What the process tells about itself: logs and metrics.

mod json;
mod logs;
pub mod metrics;

pub use logs::{LogsError, init_logs};
pub use metrics::{MetricsError, init_metrics};
