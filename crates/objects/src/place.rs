//! Where an object is in the store.

use media::ObjectKey;
use object_store::path::Path;

/// What is being written stands under this name.
pub(crate) const UNFINISHED: &str = "unfinished";

pub(crate) fn path(prefix: &Path, key: &ObjectKey) -> Path {
    let text = key.to_string();
    text.split('/').fold(prefix.clone(), Path::join)
}
