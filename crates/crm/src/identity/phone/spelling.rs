//! The two spellings of mobile numbers: in three countries WhatsApp writes a number with or without an extra digit.

/// The other spelling of a number (digits of E.164), if its country has one.
///
/// - Brazil: `55`, a two-digit area code, and an optional `9` before mobile numbers, which begin with 6 to 9.
/// - Mexico: `521` and `52` before ten digits.
/// - Argentina: `549` and `54` before ten digits.
#[must_use]
pub(in crate::identity) fn other_spelling(digits: &str) -> Option<String> {
    let mobile_of_brazil = |subscriber: &str| subscriber.len() == 8 && subscriber.starts_with(['6', '7', '8', '9']);
    if let Some((area, subscriber)) = digits.strip_prefix("55").and_then(|rest| rest.split_at_checked(2)) {
        return match subscriber.strip_prefix('9') {
            Some(old) if mobile_of_brazil(old) => Some(format!("55{area}{old}")),
            _ if mobile_of_brazil(subscriber) => Some(format!("55{area}9{subscriber}")),
            _ => None,
        };
    }
    [("521", "52"), ("549", "54")].into_iter().find_map(|(long, short)| {
        if let Some(national) = digits.strip_prefix(long).filter(|rest| rest.len() == 10) {
            return Some(format!("{short}{national}"));
        }
        let national = digits.strip_prefix(short).filter(|rest| rest.len() == 10)?;
        Some(format!("{long}{national}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spelling_yields_the_other() {
        for (long, short) in [
            ("5511987654321", "551187654321"),
            ("5585961234567", "558561234567"),
            ("5215512345678", "525512345678"),
            ("5491123456789", "541123456789"),
        ] {
            assert_eq!(other_spelling(long).as_deref(), Some(short));
            assert_eq!(other_spelling(short).as_deref(), Some(long));
        }
    }

    #[test]
    fn number_of_another_country_has_one_spelling() {
        // A landline in Brazil, other countries, and texts that are no phone numbers.
        for digits in ["551133334444", "15550100", "4915112345678", "55", "5", "", "52", "521", "54912345"] {
            assert_eq!(other_spelling(digits), None, "{digits}");
        }
    }
}
