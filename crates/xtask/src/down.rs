//! `cargo xtask down`: ends what a killed command of this checkout left, and clears its data when told to.

use crate::error::{Context, Result};
use crate::services;
use crate::services::docker::Engine;
use crate::services::{container, test_containers};
use crate::store::Store;

pub(crate) fn down(wipe: bool) -> Result {
    let store = Store::of_checkout()?;
    let mut stopped = services::stop_leftovers(store.directory());
    if Engine::find().is_there() {
        stopped |= container::remove_leftovers(wipe)?;
        stopped |= test_containers::remove_dead()? > 0;
    }
    stopped |= clear_dead_test_runs()?;
    println!("{}", if stopped { "stopped what was left over" } else { "nothing of this checkout was running" });
    if wipe {
        let directory = store.directory().to_owned();
        store.delete().context(|| "not everything is cleared".to_owned())?;
        println!("deleted {}", directory.display());
    }
    Ok(())
}

/// Data, and servers, of test runs that were killed; whether servers were still running.
pub(crate) fn clear_dead_test_runs() -> Result<bool> {
    let mut stopped = false;
    for store in Store::of_dead_test_runs()? {
        stopped |= services::stop_leftovers(store.directory());
        store.delete()?;
    }
    Ok(stopped)
}
