//! How long a decoded text may be. Meta's own limits are smaller; a sender with an app of its own may ignore them.

/// Characters of a message's text. WhatsApp allows 4,096.
pub(super) const MAX_TEXT: usize = 8_192;
/// Characters of a caption. WhatsApp allows 1,024.
const MAX_CAPTION: usize = 2_048;
/// Characters of the type and the hash of a file.
const MAX_LABEL: usize = 255;

pub(super) fn text(text: String) -> String {
    cut(text, MAX_TEXT)
}

pub(super) fn caption(caption: String) -> String {
    cut(caption, MAX_CAPTION)
}

pub(super) fn label(label: String) -> String {
    cut(label, MAX_LABEL)
}

fn cut(mut text: String, max: usize) -> String {
    if text.len() > max
        && let Some((end, _)) = text.char_indices().nth(max)
    {
        text.truncate(end);
        text.shrink_to_fit();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(cut("äöü".to_owned(), 3), "äöü");
        assert_eq!(cut("äöü".to_owned(), 2), "äö");
        assert_eq!(text("ä".repeat(5_000)).chars().count(), 5_000, "what WhatsApp allows is kept");
        assert_eq!(caption("x".repeat(4_000_000)).len(), MAX_CAPTION);
    }
}
