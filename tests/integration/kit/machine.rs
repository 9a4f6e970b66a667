//! Who has the machine. All tests share it; one that measures time has it for itself, or it would measure the others.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// Longer than any test takes. Whoever has waited for this long waits for a test that waits for them, as one that starts
/// a second server would.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

static MACHINE: LazyLock<Arc<RwLock<()>>> = LazyLock::new(Arc::default);

/// The right to use the machine, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _guard: Guard,
}

#[derive(Debug)]
enum Guard {
    Shared(#[expect(dead_code, reason = "it is held")] Option<OwnedRwLockReadGuard<()>>),
    Alone(#[expect(dead_code, reason = "it is held")] OwnedRwLockWriteGuard<()>),
}

impl Turn {
    /// Beside any others, as soon as nobody has the machine for themselves.
    pub(crate) async fn shared() -> Self {
        let turn = tokio::time::timeout(LONGEST_WAIT, Arc::clone(&MACHINE).read_owned()).await;
        Self { _guard: Guard::Shared(turn.ok()) }
    }

    /// When those who have it now are done; who comes later waits.
    pub(crate) async fn alone() -> Self {
        Self { _guard: Guard::Alone(Arc::clone(&MACHINE).write_owned().await) }
    }
}
