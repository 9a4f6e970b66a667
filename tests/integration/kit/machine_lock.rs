//! Who has the machine. All tests share it; one that measures time has it for itself, or it would measure the others.

use std::hint::spin_loop;
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// Longer than any test takes. Whoever has waited for this long waits for a test that waits for them, as one that starts
/// a second server would.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

static MACHINE: LazyLock<Arc<RwLock<()>>> = LazyLock::new(Arc::default);

/// The right to use the machine, until it is dropped.
#[derive(Debug)]
pub(crate) struct MachineLock {
    _guard: Guard,
}

#[derive(Debug)]
enum Guard {
    Shared(#[expect(dead_code, reason = "it is held")] Option<OwnedRwLockReadGuard<()>>),
    Alone(#[expect(dead_code, reason = "it is held")] OwnedRwLockWriteGuard<()>),
}

/// With whom a test has the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isolation {
    Shared,
    /// It measures time.
    Exclusive,
}

impl MachineLock {
    pub(crate) async fn beside(isolation: Isolation) -> Self {
        match isolation {
            Isolation::Shared => Self::shared().await,
            Isolation::Exclusive => Self::alone().await,
        }
    }

    /// Beside any others, as soon as nobody has the machine for themselves.
    pub(crate) async fn shared() -> Self {
        let turn = tokio::time::timeout(LONGEST_WAIT, Arc::clone(&MACHINE).read_owned()).await;
        Self { _guard: Guard::Shared(turn.ok()) }
    }

    /// When those who have it now are done; who comes later waits.
    async fn alone() -> Self {
        Self { _guard: Guard::Alone(Arc::clone(&MACHINE).write_owned().await) }
    }
}

/// Works on a thread that stays on half of the cores, at least one. What it starts, threads and processes, stays there, too.
pub(crate) fn on_half_of_the_cores<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let confined = || {
        let all = sched_getaffinity(None).unwrap();
        let mut half = CpuSet::new();
        let cores = (0..CpuSet::MAX_CPU).filter(|core| all.is_set(*core));
        cores.take(all.count().div_ceil(2) as usize).for_each(|core| half.set(core));
        sched_setaffinity(None, &half).unwrap();
        work()
    };
    thread::scope(|scope| scope.spawn(confined).join().unwrap())
}

/// How much of the machine we get while other programs run on it, up to 1: the share of a moment that as many busy threads
/// as there are cores spend on them. 1 where nobody tells.
pub(crate) async fn share() -> f64 {
    tokio::task::spawn_blocking(|| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let busy: Vec<_> = (0..cores).map(|_| thread::spawn(share_of_a_core)).collect();
        let shares: Vec<f64> = busy.into_iter().map(|busy| busy.join().expect("it counts time")).collect();
        let count = u32::try_from(shares.len()).expect("there are fewer cores");
        shares.iter().sum::<f64>() / f64::from(count)
    })
    .await
    .expect("it counts time")
}

fn share_of_a_core() -> f64 {
    const MOMENT: Duration = Duration::from_millis(300);
    let (Some(before), start) = (on_a_core(), Instant::now()) else { return 1.0 };
    while start.elapsed() < MOMENT {
        spin_loop();
    }
    let Some(after) = on_a_core() else { return 1.0 };
    (after.saturating_sub(before).as_secs_f64() / start.elapsed().as_secs_f64()).min(1.0)
}

/// How long this thread has run in all, as Linux counts it.
fn on_a_core() -> Option<Duration> {
    let counted = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(counted.split(' ').next()?.parse().ok()?))
}
