//! The two spellings of one number: in some countries WhatsApp writes a number with or without digits that its plan added.

/// The other spelling of a number (digits of E.164), if its country has one.
///
/// - Brazil: `55`, a two-digit area code, and an optional `9` before mobile numbers, which begin with 6 to 9.
/// - Mexico: `521` and `52` before ten digits.
/// - Argentina: `549` and `54` before ten digits.
/// - Ivory Coast and Benin: the numbers of before and after the change of their plans, as `WhatsApp` keeps the ids of people who
///   registered before.
#[must_use]
pub(in crate::identity) fn other_spelling(digits: &str) -> Option<String> {
    brazil(digits).or_else(|| optional_mobile_digit(digits)).or_else(|| longer_plan(digits))
}

fn brazil(digits: &str) -> Option<String> {
    let is_mobile = |subscriber: &str| subscriber.len() == 8 && subscriber.starts_with(['6', '7', '8', '9']);
    let (area, subscriber) = digits.strip_prefix("55")?.split_at_checked(2)?;
    match subscriber.strip_prefix('9') {
        Some(old) if is_mobile(old) => Some(format!("55{area}{old}")),
        _ if is_mobile(subscriber) => Some(format!("55{area}9{subscriber}")),
        _ => None,
    }
}

/// Mexico and Argentina.
fn optional_mobile_digit(digits: &str) -> Option<String> {
    [("521", "52"), ("549", "54")].into_iter().find_map(|(long, short)| {
        if let Some(national) = digits.strip_prefix(long).filter(|rest| rest.len() == 10) {
            return Some(format!("{short}{national}"));
        }
        let national = digits.strip_prefix(short).filter(|rest| rest.len() == 10)?;
        Some(format!("{long}{national}"))
    })
}

/// A change of a numbering plan that put digits before each number.
struct LongerPlan {
    country: &'static str,
    /// The digits of a number before the change, without the country's code.
    length: usize,
    /// What was put before numbers that begin with one of these; before all numbers if there are none.
    added: &'static [(&'static str, &'static [&'static str])],
}

const LONGER_PLANS: [LongerPlan; 2] = [
    // ARTCI, the regulator of Ivory Coast: since 31 January 2021 mobile numbers have ten digits, with two more by operator (Moov 01,
    // MTN 05, Orange 07).
    LongerPlan {
        country: "225",
        length: 8,
        added: &[
            ("01", &["01", "02", "03", "40", "41", "42", "43", "50", "51", "52", "53", "70", "71", "72", "73"]),
            (
                "05",
                &[
                    "04", "05", "06", "44", "45", "46", "54", "55", "56", "64", "65", "66", "74", "75", "76", "84",
                    "85", "86", "94", "95", "96",
                ],
            ),
            (
                "07",
                &[
                    "07", "08", "09", "47", "48", "49", "57", "58", "59", "67", "68", "69", "77", "78", "79", "87",
                    "88", "89", "97", "98", "99",
                ],
            ),
        ],
    },
    // ARCEP, the regulator of Benin: since 30 November 2024 each number has 01 before its eight digits.
    LongerPlan { country: "229", length: 8, added: &[("01", &[])] },
];

fn longer_plan(digits: &str) -> Option<String> {
    LONGER_PLANS.iter().find_map(|LongerPlan { country, length, added }| {
        let national = digits.strip_prefix(country)?;
        added.iter().find_map(|(more, beginnings)| {
            let is_old = |number: &str| {
                let begins = |beginning: &&str| number.starts_with(beginning);
                number.len() == *length && (beginnings.is_empty() || beginnings.iter().any(begins))
            };
            if let Some(old) = national.strip_prefix(more).filter(|old| is_old(old)) {
                return Some(format!("{country}{old}"));
            }
            is_old(national).then(|| format!("{country}{more}{national}"))
        })
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
            ("2250140123456", "22540123456"),
            ("2250545123456", "22545123456"),
            ("2250708123456", "22508123456"),
            ("2290197123456", "22997123456"),
            ("2290121312345", "22921312345"),
        ] {
            assert_eq!(other_spelling(long).as_deref(), Some(short));
            assert_eq!(other_spelling(short).as_deref(), Some(long));
        }
    }

    #[test]
    fn number_of_another_country_has_one_spelling() {
        // Landlines in Brazil and Ivory Coast, numbers that these plans never had, other countries, and texts that are no phone numbers.
        for digits in [
            "551133334444",
            "22520212345",
            "2252720212345",
            "2250760123456",
            "2290297123456",
            "229971234",
            "15550100",
            "4915112345678",
            "55",
            "5",
            "",
            "52",
            "521",
            "54912345",
        ] {
            assert_eq!(other_spelling(digits), None, "{digits}");
        }
    }
}
