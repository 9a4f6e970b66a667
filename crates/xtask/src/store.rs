//! The data directory of one checkout (or of one test run): locked while in use, with its secrets and ports.

use crate::checkout;
use crate::error::{Context, Result, fail};
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub(crate) struct Store {
    directory: PathBuf,
    values: BTreeMap<String, String>,
    /// The kernel releases the lock when we end, however we end.
    _lock: File,
}

impl Store {
    /// The store of `cargo xtask run`: what it holds outlives the command.
    pub(crate) fn of_checkout() -> Result<Self> {
        let directory = checkout::base()?.join(checkout::hash()?);
        match Self::open(&directory)? {
            Some(store) => Ok(store),
            None => fail(
                "`cargo xtask run` is already going on in this checkout: use that one, or end it with Ctrl-C and try again",
            ),
        }
    }

    /// The store of one test run, deleted afterwards.
    pub(crate) fn of_test_run() -> Result<Self> {
        let directory = checkout::base()?.join(format!("{}-test-{}", checkout::hash()?, std::process::id()));
        match Self::open(&directory)? {
            Some(store) => Ok(store),
            None => fail(format!("{} is in use", directory.display())),
        }
    }

    /// Stores of test runs that were killed before they could clean up.
    pub(crate) fn of_dead_test_runs() -> Result<Vec<Self>> {
        let Ok(entries) = fs::read_dir(checkout::base()?) else { return Ok(Vec::new()) };
        let prefix = format!("{}-test-", checkout::hash()?);
        let ours = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix));
        let mut dead = Vec::new();
        for entry in ours {
            dead.extend(Self::open(&entry.path())?);
        }
        Ok(dead)
    }

    /// `None`: another process has it open.
    fn open(directory: &Path) -> Result<Option<Self>> {
        // Searchable by all: the servers run as users of their own. What is secret below has its own mode.
        make_directory(directory, 0o711)?;
        let lock = directory.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock)
            .context(|| format!("cannot open {}", lock.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(cause)) => return fail(format!("cannot lock {}: {cause}", lock.display())),
        }
        let values = parse(&fs::read_to_string(directory.join("values")).unwrap_or_default());
        Ok(Some(Self { directory: directory.to_owned(), values, _lock: file }))
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    pub(crate) fn set(&mut self, name: &str, value: String) -> Result {
        self.values.insert(name.to_owned(), value);
        let lines: Vec<String> = self.values.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        write_secret(&self.directory.join("values"), &lines.concat())
    }

    /// The value of an earlier run, or a new one that later runs will see.
    pub(crate) fn get_or(&mut self, name: &str, make: impl FnOnce() -> Result<String>) -> Result<String> {
        if let Some(value) = self.get(name) {
            return Ok(value.to_owned());
        }
        let value = make()?;
        self.set(name, value.clone())?;
        Ok(value)
    }

    /// Deletes the directory, lock included.
    pub(crate) fn delete(self) -> Result {
        fs::remove_dir_all(&self.directory).context(|| format!("cannot delete {}", self.directory.display()))
    }
}

fn parse(text: &str) -> BTreeMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

pub(crate) fn make_directory(directory: &Path, mode: u32) -> Result {
    let result = DirBuilder::new().recursive(true).mode(mode).create(directory);
    result.context(|| format!("cannot make {}", directory.display()))
}

/// Writes a file that only its owner reads, as a whole or not at all.
pub(crate) fn write_secret(file: &Path, text: &str) -> Result {
    let fresh = file.with_extension("new");
    // A left-over of an interrupted write; usually there is none.
    let _absent = fs::remove_file(&fresh);
    OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&fresh)
        .and_then(|mut open| open.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&fresh, file))
        .context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn values_survive_and_the_lock_excludes() {
        let directory = std::env::temp_dir().join(format!("parley-store-{}", std::process::id()));
        let mut store = Store::open(&directory).unwrap().unwrap();
        assert_eq!(store.get_or("key", || Ok("a=b".to_owned())).unwrap(), "a=b");
        assert!(Store::open(&directory).unwrap().is_none());
        drop(store);

        let mut store = Store::open(&directory).unwrap().unwrap();
        assert_eq!(store.get_or("key", || fail("made twice")).unwrap(), "a=b");
        let mode = fs::metadata(directory.join("values")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        store.delete().unwrap();
        assert!(!directory.exists());
    }
}
