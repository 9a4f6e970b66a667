//! Passwords that guessing tries first.

/// Sorted, in lower case, one per line; each has at least 8 characters, since shorter passwords are refused anyway.
const LIST: &str = include_str!("common_passwords.txt");

/// Whether a password, in lower case, is on the list, or a run of one character or of consecutive characters.
pub(crate) fn is_common(lower_case: &str) -> bool {
    LIST.lines().any(|common| common == lower_case) || is_run(lower_case)
}

fn is_run(text: &str) -> bool {
    let steps = || {
        text.chars().zip(text.chars().skip(1)).map(|(one, next)| i64::from(u32::from(next)) - i64::from(u32::from(one)))
    };
    [0, 1, -1].into_iter().any(|step| steps().all(|it| it == step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_is_sorted_and_of_valid_passwords() {
        let lines: Vec<&str> = LIST.lines().collect();
        assert!(lines.is_sorted_by(|one, next| one < next));
        assert!(
            lines
                .iter()
                .all(|line| line.chars().count() >= crate::Password::MIN_CHARS && line.to_lowercase() == **line)
        );
    }

    #[test]
    fn listed_passwords_and_runs_are_common() {
        for text in ["password123", "qwertyuiop", "ßßßßßßßß", "23456789", "hgfedcba", "zzzzzzzzzzzzzzzzzzzz"] {
            assert!(is_common(text), "{text}");
        }
        for text in ["correct horse battery", "abcdefgi", "parley-demo-password"] {
            assert!(!is_common(text), "{text}");
        }
    }
}
