//! What it adds to a request that its access token is checked and its session looked up. Prints what it measured:
//!
//! ```console
//! $ cargo test --workspace --release --test integration -- token_cost --nocapture
//! ```

use std::time::{Duration, Instant};

use crate::kit::app::{Settings, TestApp};
use crate::kit::machine_lock::{self, Isolation};
use crate::kit::measure::{percentile, report};

#[tokio::test(flavor = "multi_thread")]
async fn token_and_session_check_adds_at_most_1_ms() {
    const TRIES: usize = 500;
    // Without optimization reading a row takes longer than Postgres takes to find it.
    let most = Duration::from_millis(if cfg!(debug_assertions) { 5 } else { 1 });
    let app =
        TestApp::start_with(Settings { alone: true, isolation: Isolation::Exclusive, ..Settings::default() }).await;
    let tenant = app.tenant().await;
    let time = async |client: &crate::kit::client::Client, path: &str| {
        let started = Instant::now();
        client.get(path).await.expect(200);
        started.elapsed()
    };
    let share = machine_lock::share().await;
    // In turn, so that whatever else slows the machine slows both.
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..TRIES {
        without.push(time(&app.client, "/healthz").await);
        with.push(time(&tenant.client, "/auth/me").await);
    }
    let [without, with_it] = [&mut without, &mut with].map(|times| (percentile(times, 50), percentile(times, 99)));
    let added = with_it.0.saturating_sub(without.0);
    report(&format!(
        "of {TRIES}: /healthz p50 {:?} p99 {:?}; /auth/me p50 {:?} p99 {:?}; a token and its session add {added:?} at p50",
        without.0, without.1, with_it.0, with_it.1
    ));
    assert!(added.mul_f64(share) <= most, "{added:?} with {share:.2} of the machine");
    app.finish_unprocessed().await;
}
