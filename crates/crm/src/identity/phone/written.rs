use phonenumber::Mode;

use super::other_spelling;

/// A number (digits of E.164) as people write it: `+44 20 7946 0958`. Of two spellings it is the one that its country uses; a number
/// that no country has stays a row of digits.
#[must_use]
pub fn written_number(digits: &str) -> String {
    let formatted = |digits: &str| {
        let number = phonenumber::parse(None, format!("+{digits}")).ok().filter(phonenumber::PhoneNumber::is_valid)?;
        Some(number.format().mode(Mode::International).to_string())
    };
    let written = formatted(digits).or_else(|| formatted(&other_spelling(digits)?));
    written.unwrap_or_else(|| format!("+{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_is_written_as_in_its_country() {
        for (digits, expected) in [
            ("442079460958", "+44 20 7946 0958"),
            ("19017880795", "+1 901-788-0795"),
            ("5511987654321", "+55 11 98765-4321"),
            ("2250708123456", "+225 07 08 12 3456"),
            ("390612345678", "+39 06 1234 5678"),
            ("22997123456", "+229 01 97 12 34 56"),
            ("551187654321", "+55 11 98765-4321"),
            ("999123456789", "+999123456789"),
            ("", "+"),
        ] {
            assert_eq!(written_number(digits), expected);
        }
    }
}
