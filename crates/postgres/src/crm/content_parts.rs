//! The parts of a message's content: JSON in one column, as they are read and written as a whole.

use kernel::{ContentPart, StoreError};

/// Most messages are plain words.
const NONE: &str = "[]";

pub(crate) fn json(parts: &[ContentPart]) -> String {
    if parts.is_empty() {
        return NONE.to_owned();
    }
    serde_json::to_string(parts).unwrap_or_else(|_| NONE.to_owned())
}

/// Null for a message that an earlier version stored.
pub(super) fn parse(json: Option<&str>) -> Result<Vec<ContentPart>, StoreError> {
    match json {
        None | Some(NONE) => Ok(Vec::new()),
        Some(json) => serde_json::from_str(json).map_err(|_| StoreError::corrupt("messages.parts")),
    }
}
