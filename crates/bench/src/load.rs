//! Many connections at once: as fast as answers come (closed), or at a given rate, whatever the answers do (open).

use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use tokio::runtime::Builder;
use tokio::time::sleep_until;

use crate::error::{Result, fail};
use crate::http::Connection;
use crate::latency::Latencies;
use crate::usage::thread_cpu;

/// The n-th request.
pub(crate) type Requests = Arc<dyn Fn(u64) -> Vec<u8> + Send + Sync>;

/// How much, and how fast.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// For so long, each connection as fast as it is answered.
    For(Duration),
    /// So many, each connection as fast as it is answered.
    Count(u64),
    /// So many a second for so long. A request that is late because the ones before it are is late all the same: its time
    /// counts from when it was due.
    Rate(u32, Duration),
}

/// So long after its end a rate that is not kept is given up.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) latencies: Latencies,
    /// Answered 200, or 202: it will be done.
    pub(crate) accepted: u64,
    /// Answered anything else, or not at all.
    pub(crate) refused: u64,
    pub(crate) elapsed: Duration,
    /// What the generator itself used of the machine.
    pub(crate) generator_cpu: Duration,
}

impl Outcome {
    pub(crate) fn per_second(&self) -> f64 {
        self.accepted as f64 / self.elapsed.as_secs_f64()
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.elapsed += other.elapsed;
        self.generator_cpu += other.generator_cpu;
    }
}

/// Sends requests over so many connections, from a thread of its own: on one thread the generator costs least, and shows
/// what it costs.
pub(crate) async fn run(address: SocketAddr, connections: usize, pace: Pace, requests: Requests) -> Result<Outcome> {
    let run = move || {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(send_all(address, connections, pace, requests))
    };
    tokio::task::spawn_blocking(run).await?
}

/// Which request is next, and whether there is one.
struct Line {
    next: Cell<u64>,
    pace: Pace,
    start: Instant,
}

impl Line {
    /// The next request, and when it is due.
    fn next(&self) -> Option<(u64, Option<Instant>)> {
        let n = self.next.get();
        let due = match self.pace {
            Pace::For(duration) => (self.start.elapsed() < duration).then_some(None),
            Pace::Count(count) => (n < count).then_some(None),
            Pace::Rate(rate, duration) => {
                let after = Duration::from_secs_f64(n as f64 / f64::from(rate));
                // Who cannot keep up shows it soon enough.
                let hopeless = self.start.elapsed() > duration + MAX_WAIT;
                (after < duration && !hopeless).then(|| Some(self.start + after))
            }
        }?;
        self.next.set(n + 1);
        Some((n, due))
    }
}

async fn send_all(address: SocketAddr, connections: usize, pace: Pace, requests: Requests) -> Result<Outcome> {
    let mut open = try_join_all((0..connections).map(|_| Connection::open(address))).await?;
    let cpu = thread_cpu();
    let line = Line { next: Cell::new(0), pace, start: Instant::now() };
    let parts = try_join_all(open.iter_mut().map(|connection| send(connection, &line, &requests))).await?;
    let mut all = Outcome::default();
    for part in parts {
        all.add(part);
    }
    all.elapsed = line.start.elapsed();
    all.generator_cpu = thread_cpu().saturating_sub(cpu);
    if all.accepted == 0 { fail(format!("nothing of {} requests was answered with 200", all.refused)) } else { Ok(all) }
}

async fn send(connection: &mut Connection, line: &Line, requests: &Requests) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    while let Some((n, due)) = line.next() {
        let request = requests(n);
        if let Some(due) = due {
            sleep_until(due.into()).await;
        }
        let begun = due.unwrap_or_else(Instant::now);
        let status = connection.send(&request).await;
        outcome.latencies.note(begun.elapsed());
        if matches!(status, Ok(200 | 202)) {
            outcome.accepted += 1;
        } else {
            outcome.refused += 1;
        }
        if status.is_err() {
            *connection = Connection::open(connection.address()).await?;
        }
    }
    Ok(outcome)
}
