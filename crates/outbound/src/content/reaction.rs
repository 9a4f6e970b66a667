use serde_json::{Map, Value, json};
use thiserror::Error;
use unicode_properties::{EmojiStatus, UnicodeEmoji};
use unicode_segmentation::UnicodeSegmentation;

/// An emoji in answer to a message. It has no delivery ticks: only a `sent` status ever comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundReaction {
    /// Meta's id of the message that is reacted to: at most 30 days old, and no reaction itself.
    pub wamid: String,
    /// `None` takes the reaction back.
    pub emoji: Option<Emoji>,
}

impl OutboundReaction {
    pub(super) fn to_meta(&self) -> Map<String, Value> {
        Map::from_iter([
            ("message_id".to_owned(), json!(self.wamid)),
            ("emoji".to_owned(), json!(self.emoji.as_ref().map_or("", Emoji::as_str))),
        ])
    }
}

/// One emoji, as people see it: a letter to a computer may be several characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emoji(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected one emoji")]
pub struct NotOneEmoji;

impl Emoji {
    /// # Errors
    ///
    /// If the text is not exactly one emoji.
    pub fn parse(text: &str) -> Result<Self, NotOneEmoji> {
        let mut graphemes = text.graphemes(true);
        match (graphemes.next(), graphemes.next()) {
            (Some(grapheme), None) if is_emoji(grapheme) => Ok(Self(text.to_owned())),
            _ => Err(NotOneEmoji),
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a grapheme is a picture, a keycap (a digit in a box) or a flag (two regional indicators).
fn is_emoji(grapheme: &str) -> bool {
    const KEYCAP: char = '\u{20e3}';
    let regional = |c: char| ('\u{1f1e6}'..='\u{1f1ff}').contains(&c);
    let Some(first) = grapheme.chars().next() else { return false };
    // Digits, `#`, `*`, regional indicators and skin tones are parts of emojis, not emojis.
    let is_part = matches!(
        first.emoji_status(),
        EmojiStatus::EmojiOtherAndEmojiComponent
            | EmojiStatus::EmojiPresentationAndEmojiComponent
            | EmojiStatus::EmojiPresentationAndModifierAndEmojiComponent
    );
    if is_part {
        grapheme.ends_with(KEYCAP) || (regional(first) && grapheme.chars().filter(|c| regional(*c)).count() == 2)
    } else {
        first.is_emoji_char()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_emoji_of_any_make_is_taken() {
        for emoji in ["👍", "❤️", "❤", "👍🏽", "👨‍👩‍👧‍👦", "🇩🇪", "3️⃣", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "☺️", "🫠", "©️"]
        {
            assert_eq!(Emoji::parse(emoji).map(|emoji| emoji.0), Ok(emoji.to_owned()), "{emoji}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", " ", "a", "3", "#", "👍👍", "👍 ", "ok 👍", "🇩", "🏽", "\u{200d}", "ä", "é\u{301}", "123"]
        {
            assert_eq!(Emoji::parse(text), Err(NotOneEmoji), "{text:?}");
        }
    }
}
