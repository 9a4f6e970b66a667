use phonenumber::metadata::{DATABASE, Descriptor, Metadata};
use unicode_normalization::UnicodeNormalization as _;

use super::country::{is_assigned, is_possible};
use super::{PhoneCountry, other_spelling};

/// A number as a user wrote or pasted it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NumberInput {
    /// Digits of E.164.
    International(String),
    /// A number of a country that is not said.
    National(NumberWithoutCountry),
}

/// The digits of a number that does not begin with a country's code, or may not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberWithoutCountry(String);

/// With the country's code; E.164 has 15 digits at most.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

impl NumberInput {
    /// Parses a number in any notation: `+44 (0)20 7946 0958`, `0044...`, `tel:+44...`, with invisible marks, in full-width or
    /// Arabic digits. `None` for what cannot be a number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let Digits { digits, has_code } = Digits::of(text)?;
        if has_code {
            return InternationalNumber::written(&digits).map(|it| Self::International(it.digits()));
        }
        // Users may leave out the plus sign.
        let with_code =
            || InternationalNumber::plain(&digits).filter(InternationalNumber::is_assigned).map(|it| it.digits());
        let national =
            || (4..=15).contains(&digits.len()).then(|| Self::National(NumberWithoutCountry(digits.clone())));
        if digits.starts_with('0') { national() } else { with_code().map(Self::International).or_else(national) }
    }

    /// The digits that a text has if it may be a number or a part of one: those of the numbers that begin so, and the end of those
    /// that end so. A text with letters has none.
    pub(crate) fn to_search(text: &str, countries: &[PhoneCountry]) -> SearchedNumber {
        let Some(Digits { digits, has_code }) = Digits::of(text) else { return SearchedNumber::default() };
        let with_code = countries.iter().flat_map(|country| country.beginnings(&digits));
        let parsed = InternationalNumber::written(&digits).filter(|_| has_code).map(|it| it.digits());
        let beginnings = std::iter::once(digits.clone()).chain(parsed).chain(with_code.filter(|_| !has_code));
        let end = digits.trim_start_matches('0').to_owned();
        SearchedNumber { beginnings: beginnings.collect(), end: Some(end).filter(|_| !has_code) }
    }
}

/// What a search for a number compares with stored ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SearchedNumber {
    pub(crate) beginnings: Vec<String>,
    /// Its significant end, without the zero that is dialled before numbers of one's own country.
    pub(crate) end: Option<String>,
}

impl NumberWithoutCountry {
    /// The number in the only one of these countries that has it. Otherwise its first digits are its country's code.
    #[must_use]
    pub fn in_one_of(&self, countries: &[PhoneCountry]) -> Option<String> {
        let found = countries.iter().filter_map(|country| country.with_code(&self.0));
        let mut found: Vec<_> = found.filter(|digits| DIGITS.contains(&digits.len())).collect();
        found.sort_unstable();
        found.dedup();
        match found.as_slice() {
            [only] => Some(only.clone()),
            [] if !self.0.starts_with('0') => InternationalNumber::plain(&self.0).map(|it| it.digits()),
            _ => None,
        }
    }
}

/// The digits of a text without anything else but punctuation.
struct Digits {
    digits: String,
    /// Or `00`, or a zero in brackets after the code, as in `44 (0)20`: each says that the country's code comes first.
    has_code: bool,
}

impl Digits {
    fn of(text: &str) -> Option<Self> {
        // Compatibility forms, such as full-width digits and the no-break space, become plain characters.
        let plain: String = text.nfkc().filter(|c| !is_invisible(*c)).map(|c| ascii_digit(c).unwrap_or(c)).collect();
        let plain = plain.trim();
        let number = plain.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("tel:")).map_or(plain, |_| &plain[4..]);
        let number = number.trim_start_matches(['(', ' ']);
        let (number, plus) = number.strip_prefix('+').map_or((number, false), |rest| (rest, true));
        let is_number = number.chars().all(|c| c.is_ascii_digit() || is_punctuation(c));
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        if !is_number || digits.is_empty() {
            return None;
        }
        let has_code = plus || number.contains("(0)") && !digits.starts_with('0');
        Some(match digits.strip_prefix("00").filter(|_| !plus) {
            Some(rest) => Self { digits: rest.to_owned(), has_code: true },
            None => Self { digits, has_code },
        })
    }
}

fn is_punctuation(c: char) -> bool {
    c.is_whitespace() || "-.()/".contains(c) || matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// Marks of direction, joiners and the like, which are pasted along with numbers.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The value of an Arabic, Persian or Devanagari digit.
fn ascii_digit(c: char) -> Option<char> {
    ['\u{660}', '\u{6f0}', '\u{966}'].into_iter().find_map(|zero| {
        let value = u32::from(c).checked_sub(u32::from(zero)).filter(|value| *value < 10)?;
        char::from_digit(value, 10)
    })
}

/// A number with its country's code.
struct InternationalNumber {
    code: u16,
    national: String,
    plans: Vec<&'static Metadata>,
}

impl InternationalNumber {
    /// The digits as they are: WhatsApp's, or of a user who left out the plus sign.
    fn plain(digits: &str) -> Option<Self> {
        Self::of(digits, false)
    }

    /// Without the prefix that some write between the country's code and the number, as in `+44 (0)20`.
    fn written(digits: &str) -> Option<Self> {
        Self::of(digits, true)
    }

    fn of(digits: &str, may_have_prefix: bool) -> Option<Self> {
        let number = phonenumber::parse(None, format!("+{digits}")).ok()?;
        let code = number.code().value();
        let plans = DATABASE.by_code(&code)?;
        let is_possible = |national: &str| plans.iter().any(|plan| is_possible(plan, national));
        let (plain, without_prefix) = (digits.strip_prefix(&code.to_string())?, number.national().to_string());
        let has_prefix = may_have_prefix && !is_possible(plain) && is_possible(&without_prefix);
        let national = if has_prefix { without_prefix } else { plain.to_owned() };
        Some(Self { code, national, plans }).filter(|it| DIGITS.contains(&it.digits().len()) && !it.is_too_long())
    }

    fn is_too_long(&self) -> bool {
        let kinds = self.plans.iter().map(|plan| plan.descriptors());
        let lengths = kinds.flat_map(|kinds| [kinds.fixed_line(), kinds.mobile()]).flatten();
        let longest = lengths.flat_map(Descriptor::possible_length).max();
        // WhatsApp writes some numbers with a digit more than their country does.
        longest.is_some_and(|longest| self.national.len() > usize::from(*longest))
            && other_spelling(&self.digits()).is_none()
    }

    fn is_assigned(&self) -> bool {
        self.plans.iter().any(|plan| is_assigned(plan, &self.national))
    }

    fn digits(&self) -> String {
        format!("{}{}", self.code, self.national)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn countries(numbers: &[&str]) -> Vec<PhoneCountry> {
        numbers.iter().map(|number| PhoneCountry::of_number(number).unwrap()).collect()
    }

    /// The number as stored for a tenant with numbers of these countries.
    fn stored(text: &str, numbers: &[&str]) -> Option<String> {
        match NumberInput::parse(text)? {
            NumberInput::International(digits) => Some(digits),
            NumberInput::National(number) => number.in_one_of(&countries(numbers)),
        }
    }

    const GERMAN: &str = "+49 30 901820";
    const AMERICAN: &str = "+1 201 555 0123";

    #[test]
    fn number_with_country_code_is_read_in_any_notation() {
        for (text, digits) in [
            ("+44 (0)20 7946 0958", "442079460958"),
            ("(+44) 20-7946.0958", "442079460958"),
            ("0044 20 7946 0958", "442079460958"),
            ("00 44 (0) 20 7946 0958", "442079460958"),
            ("44 (0)20 7946 0958", "442079460958"),
            ("tel:+1-201-555-0123", "12015550123"),
            ("TEL: +12015550123", "12015550123"),
            ("\u{202a}+49\u{a0}151\u{202f}23456789\u{202c}", "4915123456789"),
            ("+49\u{2011}151\u{2013}23456789\u{feff}", "4915123456789"),
            ("\u{ff0b}\u{ff14}\u{ff19} \u{ff08}151\u{ff09} 23456789", "4915123456789"),
            ("+\u{664}\u{669} 151 23456789", "4915123456789"),
            ("4915123456789", "4915123456789"),
            ("+39 06 1234 5678", "390612345678"),
            ("+7 812 345 67 89", "78123456789"),
            ("+7 (8) 912 345 67 89", "79123456789"),
            ("+52 1 55 1234 5678", "5215512345678"),
            ("+55 11 8765-4321", "551187654321"),
            ("+54 9 11 2345-6789", "5491123456789"),
            ("+225 08123456", "22508123456"),
            ("+1 555 0100", "15550100"),
            ("15550100777", "15550100777"),
            ("4901234567890", "4901234567890"),
        ] {
            assert_eq!(stored(text, &[]).as_deref(), Some(digits), "{text}");
        }
    }

    #[test]
    fn national_form_needs_one_country_that_has_it() {
        for (text, numbers, digits) in [
            ("0151 23456789", vec![GERMAN], Some("4915123456789")),
            ("0151 23456789", vec![GERMAN, AMERICAN, GERMAN], Some("4915123456789")),
            ("901-788-0795", vec![AMERICAN], Some("19017880795")),
            ("(901) 788-0795", vec![GERMAN, AMERICAN], Some("19017880795")),
            ("901-788-0795", vec![AMERICAN, "+44 20 7946 0958"], None),
            ("812 345 67 89", vec!["+7 812 345 67 89"], Some("78123456789")),
            ("0151 23456789", vec![], None),
            ("0151 23456789", vec![AMERICAN], None),
            ("06 1234 5678", vec!["+39 06 1234 5678"], Some("390612345678")),
            ("8 912 345-67-89", vec!["+7 812 345 67 89"], Some("79123456789")),
        ] {
            assert_eq!(stored(text, &numbers).as_deref(), digits, "{text} {numbers:?}");
        }
    }

    #[test]
    fn what_cannot_be_a_number_is_refused() {
        for text in [
            "",
            "+",
            "tel:",
            "123",
            "123456",
            "+999 123 456 789",
            "+49 151 CALL ME",
            "+1 800 FLOWERS",
            "++4915123456",
            "+49 151 23456789 ext. 5",
            "+49 151;ext=5",
            "1234567890123456",
            "+1 201 555 0123 4567",
            "+49000",
            "00",
            "+0 151 2345678",
            "4915123456789 4915123456789",
            "+49,151,23456789",
        ] {
            assert_eq!(stored(text, &[GERMAN, AMERICAN]), None, "{text}");
        }
    }

    #[test]
    fn any_row_of_digits_is_read_without_a_panic() {
        for length in (1..=18).chain([50, 200]) {
            for digit in '0'..='9' {
                let digits = String::from(digit).repeat(length);
                for text in [digits.clone(), format!("+{digits}"), format!("+1{digits}"), format!("7{digits}")] {
                    let number = stored(&text, &[GERMAN, AMERICAN]);
                    assert!(number.is_none_or(|number| (7..=15).contains(&number.len())), "{text}");
                    NumberInput::to_search(&text, &countries(&[GERMAN, AMERICAN]));
                }
            }
        }
    }

    #[test]
    fn searched_number_has_beginnings_and_an_end() {
        let searched = |text: &str, numbers: &[&str]| {
            let SearchedNumber { beginnings, end } = NumberInput::to_search(text, &countries(numbers));
            (beginnings.join(" "), end.unwrap_or_default())
        };
        let row = |beginnings: &str, end: &str| (beginnings.to_owned(), end.to_owned());
        assert_eq!(searched("+44 (0)20 7946 0958", &[]), row("4402079460958 442079460958", ""));
        assert_eq!(searched("0151 23456789", &[]), row("015123456789", "15123456789"));
        assert_eq!(
            searched("0151 23456789", &[GERMAN]),
            row("015123456789 49015123456789 4915123456789", "15123456789")
        );
        assert_eq!(searched("901-788-0795", &[]), row("9017880795", "9017880795"));
        assert_eq!(searched("room 151", &[]), row("", ""));
    }
}
