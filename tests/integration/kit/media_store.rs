//! Where servers under test keep files.

use std::fs;
use std::path::PathBuf;

/// A folder that exists.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("media").join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The URL of the store that servers share whose tests do not look into it: tenants are fresh, and so are their names in it.
pub(crate) fn shared_store() -> String {
    url(&folder("shared"))
}

pub(crate) fn url(folder: &std::path::Path) -> String {
    format!("file://{}", folder.display())
}
