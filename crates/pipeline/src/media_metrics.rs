use chrono::TimeDelta;
use flows::MediaObserver;
use media::{MediaFailure, MediaState};
use metrics::{counter, histogram};

use crate::metrics::{MEDIA_BYTES, MEDIA_ENDED, MEDIA_FAILURES, MEDIA_STORED};

/// Counts what became of attempts to fetch files.
#[derive(Clone, Copy, Debug)]
pub struct MediaMetrics;

impl MediaObserver for MediaMetrics {
    fn stored(&self, bytes: u64, after: TimeDelta) {
        counter!(MEDIA_BYTES).increment(bytes);
        histogram!(MEDIA_STORED).record(after.to_std().unwrap_or_default().as_secs_f64());
    }

    fn failed(&self, failure: MediaFailure, end: Option<MediaState>) {
        counter!(MEDIA_FAILURES, "reason" => failure.into_str()).increment(1);
        if let Some(state) = end {
            counter!(MEDIA_ENDED, "state" => state.into_str()).increment(1);
        }
    }
}
