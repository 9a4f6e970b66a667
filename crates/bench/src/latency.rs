//! How long each of many took.

use std::time::Duration;

use serde_json::{Value, json};

use crate::report::rounded;

/// Times, all of them: a few hundred thousand fit into memory, and no bucket blurs a percentile.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn note(&mut self, took: Duration) {
        self.0.push(took);
    }

    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// In milliseconds; not a number if there are none.
    pub(crate) fn percentile(&mut self, per_mille: usize) -> f64 {
        self.0.sort_unstable();
        let place = (self.0.len() * per_mille / 1_000).min(self.0.len().saturating_sub(1));
        self.0.get(place).map_or(f64::NAN, |took| took.as_secs_f64() * 1_000.0)
    }

    pub(crate) fn json(&mut self) -> Value {
        json!({
            "p50_ms": rounded(self.percentile(500)),
            "p99_ms": rounded(self.percentile(990)),
            "p999_ms": rounded(self.percentile(999)),
        })
    }

    pub(crate) fn text(&mut self) -> String {
        let [half, most, nearly_all] = [500, 990, 999].map(|per_mille| self.percentile(per_mille));
        format!("p50 {half:.1} ms, p99 {most:.1} ms, p99.9 {nearly_all:.1} ms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentile_is_one_of_the_times() {
        let mut times = Latencies::default();
        assert!(times.percentile(990).is_nan());
        for millis in (1..=1_000).rev() {
            times.note(Duration::from_millis(millis));
        }
        let text = [500, 990, 1_000].map(|per_mille| format!("{:.0}", times.percentile(per_mille)));
        assert_eq!(text, ["501", "991", "1000"]);
    }
}
