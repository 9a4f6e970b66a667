use crate::content::error::ContentError;
use crate::content::reader::Fields;

/// Reads `name: {text}`.
pub(super) fn read_words(
    fields: &mut Fields<'_>,
    name: &str,
    max: usize,
    required: bool,
) -> Result<Option<String>, ContentError> {
    let node = if required { Some(fields.required(name)?) } else { fields.optional(name) };
    let Some(node) = node else { return Ok(None) };
    let mut words = node.object()?;
    let text = words.required_text("text", max)?;
    words.end()?;
    Ok(Some(text))
}
