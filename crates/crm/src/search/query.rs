use std::collections::BTreeSet;

use crate::identity::{IdentityKey, NumberInput, PhoneCountry, SearchedNumber};

/// A search text entered by a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchQuery {
    text: String,
    phones: Vec<String>,
    number_end: Option<String>,
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
    /// Fewer digits are the end of too many numbers.
    const MIN_END: usize = 6;
    const MAX_DIGITS: usize = 15;

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
        Ok(Self { text, phones: Vec::new(), number_end: None }.in_countries(&[]))
    }

    /// The query of a tenant with numbers of these countries: a number without its country's code may be of one of them.
    #[must_use]
    pub fn in_countries(self, countries: &[PhoneCountry]) -> Self {
        let SearchedNumber { beginnings, end } = NumberInput::to_search(&self.text, countries);
        let keys = beginnings.iter().filter_map(|digits| IdentityKey::phone(digits));
        let spellings = keys.flat_map(|key| [key.other_spelling(), Some(key)]).flatten().map(|key| key.value);
        let phones: BTreeSet<_> =
            spellings.filter(|digits| (Self::MIN_DIGITS..=Self::MAX_DIGITS).contains(&digits.len())).collect();
        let number_end = end.filter(|end| (Self::MIN_END..=Self::MAX_DIGITS).contains(&end.len()));
        Self { phones: phones.into_iter().collect(), number_end, ..self }
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

    /// The digits with which a phone number may end that the text means, if it has no country's code.
    #[must_use]
    pub fn number_end(&self) -> Option<&str> {
        self.number_end.as_deref()
    }
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
        assert_eq!(phones("+44 (0)20 7946 0958"), ["4402079460958", "442079460958"]);
        assert_eq!(phones("tel:+229 97 12 34 56"), ["2290197123456", "22997123456"]);
    }

    #[test]
    fn number_without_country_code_is_found_by_its_end() {
        let german = PhoneCountry::of_number("+49 30 901820").unwrap();
        let query = |text: &str| SearchQuery::parse(text).unwrap();
        let end = |text: &str| query(text).number_end().map(str::to_owned);
        assert_eq!(end("901-788-0795").as_deref(), Some("9017880795"));
        assert_eq!(end("0151 23456789").as_deref(), Some("15123456789"));
        for text in ["+49 151 23456789", "0049 151 23456789", "12345", "0012345", "room 151234"] {
            assert_eq!(end(text), None, "{text}");
        }
        assert_eq!(
            query("0151 23456789").in_countries(&[german]).phones(),
            ["015123456789", "49015123456789", "4915123456789"]
        );
    }
}
