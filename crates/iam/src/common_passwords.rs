//! What everyone who guesses tries first.

/// Sorted, in lower case, one a line; each is at least 8 characters long, as shorter ones are refused anyway.
const LIST: &str = include_str!("common_passwords.txt");

/// Whether a password, in lower case, is on the list, or so plain that it needs no list: one character again and again, or
/// characters in the order of the alphabet or the digits.
pub(crate) fn is_common(lower_case: &str) -> bool {
    LIST.lines().any(|common| common == lower_case) || is_plain(lower_case)
}

fn is_plain(text: &str) -> bool {
    let steps = || {
        text.chars().zip(text.chars().skip(1)).map(|(one, next)| i64::from(u32::from(next)) - i64::from(u32::from(one)))
    };
    [0, 1, -1].into_iter().any(|step| steps().all(|it| it == step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_one_that_can_be_hit() {
        let lines: Vec<&str> = LIST.lines().collect();
        assert!(lines.is_sorted_by(|one, next| one < next));
        assert!(
            lines
                .iter()
                .all(|line| line.chars().count() >= crate::Password::MIN_CHARS && line.to_lowercase() == **line)
        );
    }

    #[test]
    fn plain_ones_need_no_list() {
        for text in ["password123", "qwertyuiop", "ßßßßßßßß", "23456789", "hgfedcba", "zzzzzzzzzzzzzzzzzzzz"] {
            assert!(is_common(text), "{text}");
        }
        for text in ["correct horse battery", "abcdefgi", "parley-demo-password"] {
            assert!(!is_common(text), "{text}");
        }
    }
}
