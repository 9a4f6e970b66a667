use phonenumber::Mode;

/// A number (digits of E.164) as people write it: `+44 20 7946 0958`. One that no country has stays a row of digits.
#[must_use]
pub fn written_number(digits: &str) -> String {
    let plain = format!("+{digits}");
    match phonenumber::parse(None, &plain) {
        Ok(number) if number.is_valid() => number.format().mode(Mode::International).to_string(),
        _ => plain,
    }
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
            ("22997123456", "+22997123456"),
            ("999123456789", "+999123456789"),
            ("", "+"),
        ] {
            assert_eq!(written_number(digits), expected);
        }
    }
}
