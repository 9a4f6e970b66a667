//! Ctrl-C, SIGTERM and a closed terminal become a flag that every wait looks at, so that clean-up code always runs.

use crate::error::{Context, Result, fail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

pub(crate) fn install() -> Result {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&INTERRUPTED))
            .context(|| "cannot listen for Ctrl-C".to_owned())?;
    }
    Ok(())
}

pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

pub(crate) fn check() -> Result {
    if interrupted() { fail("interrupted") } else { Ok(()) }
}

/// Asks `ready` ten times a second until it answers, `max_wait` has passed (`None`), or the command is interrupted.
pub(crate) fn wait_for<T>(max_wait: Duration, mut ready: impl FnMut() -> Result<Option<T>>) -> Result<Option<T>> {
    let start = Instant::now();
    loop {
        check()?;
        if let Some(answer) = ready()? {
            return Ok(Some(answer));
        }
        if start.elapsed() >= max_wait {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
