//! What tests that measure have in common.

use std::time::Duration;

/// Tells whoever runs the tests with `--nocapture`: what was measured is worth more than that it was enough.
#[expect(clippy::print_stdout, reason = "the test harness keeps it to itself unless it is asked")]
pub(crate) fn report(measured: &str) {
    println!("{measured}");
}

pub(crate) fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}
