//! Token buckets: how fast a number may send, and how fast to one person.

use serde::{Deserialize, Serialize};

/// Holds up to `burst` tokens and gains one each `interval_ms`. Starts full.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rate {
    pub(crate) burst: u32,
    pub(crate) interval_ms: f64,
}

impl Rate {
    /// A burst of one second's messages, as a number has.
    pub(crate) fn per_second(messages: u32) -> Self {
        Self { burst: messages, interval_ms: 1000.0 / f64::from(messages.max(1)) }
    }
}

/// Keeps the time at which the bucket is full again, as the generic cell rate algorithm does.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bucket {
    full_at_ms: f64,
}

impl Bucket {
    /// Whether a token is there.
    pub(crate) fn has_token(self, rate: Rate, now_ms: i64) -> bool {
        let missing_ms = self.full_at_ms - float(now_ms);
        missing_ms <= rate.interval_ms * (f64::from(rate.burst) - 1.0) + 0.001
    }

    /// Takes a token, even if none is there: what arrives from customers counts, but is not refused.
    pub(crate) fn take(&mut self, rate: Rate, now_ms: i64) {
        self.full_at_ms = self.full_at_ms.max(float(now_ms)) + rate.interval_ms;
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are below 2^53 for longer than needed")]
fn float(ms: i64) -> f64 {
    ms as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(bucket: &mut Bucket, rate: Rate, now_ms: i64, wanted: usize) -> usize {
        (0..wanted)
            .filter(|_| {
                let granted = bucket.has_token(rate, now_ms);
                if granted {
                    bucket.take(rate, now_ms);
                }
                granted
            })
            .count()
    }

    #[test]
    fn full_bucket_grants_its_burst_once() {
        let rate = Rate::per_second(80);
        let mut bucket = Bucket::default();
        assert_eq!(taken(&mut bucket, rate, 1_700_000_000_000, 200), 80);
        assert_eq!(taken(&mut bucket, rate, 1_700_000_000_500, 200), 40);
        assert_eq!(taken(&mut bucket, rate, 1_700_000_060_000, 200), 80);
    }

    #[test]
    fn pair_gains_a_token_each_six_seconds() {
        let rate = Rate { burst: 45, interval_ms: 6000.0 };
        let mut bucket = Bucket::default();
        assert_eq!(taken(&mut bucket, rate, 0, 100), 45);
        assert_eq!(taken(&mut bucket, rate, 5_999, 1), 0);
        assert_eq!(taken(&mut bucket, rate, 6_000, 2), 1);
        assert_eq!(taken(&mut bucket, rate, 18_000, 9), 2);
    }
}
