/// The characters of a preview, without the ellipsis.
const MAX_CHARACTERS: usize = 120;

/// Characters of a text that a preview considers, so that a long text costs no more than this.
const CONSIDERED: usize = 4_000;

/// The beginning of a text on one line, as conversations and interactions show it. Specifies the SQL function `app.preview`.
#[must_use]
pub fn preview(text: &str) -> String {
    let considered: String = text.chars().take(CONSIDERED).collect();
    let words = considered.split([' ', '\t', '\n', '\x0b', '\x0c', '\r']).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MAX_CHARACTERS {
        return line;
    }
    line.chars().take(MAX_CHARACTERS).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_collapses_to_one_line() {
        assert_eq!(preview("  Hello,\n\n\tGrace \r\n"), "Hello, Grace");
        assert_eq!(preview(" \n "), "");
    }

    #[test]
    fn text_over_120_characters_gets_an_ellipsis() {
        assert_eq!(preview(&"é".repeat(120)), "é".repeat(120));
        assert_eq!(preview(&"é".repeat(121)), "é".repeat(120) + "…");
    }

    #[test]
    fn text_after_4000_characters_is_ignored() {
        assert_eq!(preview(&(" ".repeat(4_000) + "late")), "");
    }
}
