//! The sandbox's time: the real one, plus an offset that tests move.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use chrono::{DateTime, SecondsFormat, Utc};

/// Does not jump when the host's clock is set: it counts from the start by the monotonic clock.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    started_at_ms: i64,
    offset_ms: AtomicI64,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the sandbox is a program of its own, and this is its only clock")]
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), started_at_ms: Utc::now().timestamp_millis(), offset_ms: AtomicI64::new(0) }
    }

    /// Milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> i64 {
        let elapsed = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.started_at_ms.saturating_add(elapsed).saturating_add(self.offset_ms())
    }

    pub(crate) fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::Relaxed)
    }

    pub(crate) fn set_offset_ms(&self, offset: i64) {
        self.offset_ms.store(offset, Ordering::Relaxed);
    }
}

/// RFC 3339 with milliseconds.
pub(crate) fn text(ms: i64) -> String {
    DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}
