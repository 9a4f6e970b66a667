use crate::identity::IdentityKey;

/// A search text entered by a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchQuery {
    text: String,
    phones: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSearch {
    #[error("must have at least {} letters or digits", SearchQuery::MIN_CHARACTERS)]
    TooShort,
    #[error("must have at most {} characters", SearchQuery::MAX_CHARACTERS)]
    TooLong,
}

impl SearchQuery {
    /// Counts letters and digits. A single character is a prefix of too many words.
    pub const MIN_CHARACTERS: usize = 2;
    /// Counts all characters.
    pub const MAX_CHARACTERS: usize = 200;
    /// Fewer digits are a prefix of too many numbers.
    const MIN_DIGITS: usize = 3;

    /// # Errors
    /// [`InvalidSearch`].
    pub fn parse(text: &str) -> Result<Self, InvalidSearch> {
        let text = text.trim();
        if text.chars().count() > Self::MAX_CHARACTERS {
            return Err(InvalidSearch::TooLong);
        }
        // The database splits the text into words; a control character separates words.
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if text.chars().filter(|c| c.is_alphanumeric()).count() < Self::MIN_CHARACTERS {
            return Err(InvalidSearch::TooShort);
        }
        Ok(Self { phones: phones(&text), text })
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The prefixes of phone numbers, as digits, that the text may mean; empty if it is no number.
    #[must_use]
    pub fn phones(&self) -> &[String] {
        &self.phones
    }
}

/// Accepts `+`, `00` or nothing before the country code. Yields both spellings of a number that has two.
fn phones(text: &str) -> Vec<String> {
    let is_allowed = |c: char| c.is_ascii_digit() || " +-.()/".contains(c);
    let Some(key) = IdentityKey::phone(text).filter(|_| text.chars().all(is_allowed)) else { return Vec::new() };
    let key = match key.value.strip_prefix("00") {
        Some(international) => IdentityKey { value: international.to_owned(), ..key },
        None => key,
    };
    let spellings = [key.other_spelling(), Some(key)].into_iter().flatten().map(|key| key.value);
    spellings.filter(|digits| (SearchQuery::MIN_DIGITS..=15).contains(&digits.len())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_without_two_letters_or_digits_is_rejected() {
        for text in ["", " ", "a", "%", "\"\"", "'", "a%", "_ _", "- 7", "é", "👍👍👍", "\0\0"] {
            assert_eq!(SearchQuery::parse(text), Err(InvalidSearch::TooShort), "{text:?}");
        }
        assert_eq!(SearchQuery::parse(&"x".repeat(201)), Err(InvalidSearch::TooLong));
        assert_eq!(SearchQuery::parse(&"x".repeat(10_240)), Err(InvalidSearch::TooLong));
        for text in ["ab", "né", "the", "'' or 1=1 --", &"x".repeat(200), " 漢字 "] {
            assert_eq!(SearchQuery::parse(text).unwrap().text(), text.trim());
        }
        assert_eq!(SearchQuery::parse("ab\0cd").unwrap().text(), "ab cd");
    }

    #[test]
    fn number_in_any_notation_yields_its_digits() {
        let phones = |text: &str| SearchQuery::parse(text).unwrap().phones().to_vec();
        for text in ["+49 151 23", "0049 (151) 23", "4915123", "49-151/23", "4.915.123"] {
            assert_eq!(phones(text), ["4915123"], "{text}");
        }
        assert_eq!(phones("5511987654321"), ["551187654321", "5511987654321"]);
        for text in ["12", "+1 5", "room 151", "1,000", "12345678901234567"] {
            assert!(phones(text).is_empty(), "{text}");
        }
    }
}
