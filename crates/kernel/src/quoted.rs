/// A text from a caller, for a message about it: quoted, without control characters, and at most 80 characters long.
#[must_use]
pub fn quoted(text: &str) -> String {
    const MAX_CHARS: usize = 80;
    let shown: String = text.chars().take(MAX_CHARS).collect();
    let cut = if shown.len() < text.len() { "..." } else { "" };
    format!("{shown:?}{cut}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_short_and_plain() {
        assert_eq!(quoted("crm:reed"), r#""crm:reed""#);
        assert_eq!(quoted("a\nb\"c"), r#""a\nb\"c""#);
        assert_eq!(quoted(&"x".repeat(81)), format!("\"{}\"...", "x".repeat(80)));
    }
}
