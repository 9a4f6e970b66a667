//! A media file of a message.

use serde_json::Value;

use super::check::Part;
use crate::graph::error::GraphError;

/// Exactly one of `id` and `link`, and a caption where one is allowed.
pub(super) fn media(part: &Part<'_>, max_caption: Option<usize>) -> Result<(), GraphError> {
    let id = match part.get("id") {
        Some(Value::Number(_)) => Some(""),
        _ => part.optional_text("id", 256)?,
    };
    let link = part.optional_text("link", 2048)?;
    match (id, link) {
        (Some(_), None) => {}
        (None, Some(link)) if link.starts_with("https://") || link.starts_with("http://") => {}
        (None, Some(_)) => return Err(GraphError::value(format!("{} is not a URL", part.path_of("link")))),
        (Some(_), Some(_)) => return Err(GraphError::value("Only one of id and link is allowed")),
        (None, None) => return Err(GraphError::missing("One of id and link is required")),
    }
    match max_caption {
        Some(max) => part.optional_text("caption", max).map(drop),
        None => part.absent("caption", "for this type"),
    }
}
