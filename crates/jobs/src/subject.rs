use std::fmt;

use kernel::ids::AccountId;

/// What a job works on: an id of Parley or of Meta, 1 to 64 letters, digits, hyphens and underscores.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobSubject(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the subject of a job has 1 to 64 letters, digits, hyphens and underscores")]
pub struct InvalidJobSubject;

impl JobSubject {
    /// # Errors
    /// [`InvalidJobSubject`].
    pub fn parse(text: &str) -> Result<Self, InvalidJobSubject> {
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if (1..=64).contains(&text.len()) && text.bytes().all(is_id) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidJobSubject)
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<AccountId> for JobSubject {
    fn from(id: AccountId) -> Self {
        Self(id.to_string())
    }
}

impl fmt::Display for JobSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subject_is_an_id() {
        for text in ["102290129340398", "0190b5a2-7e2f-7000-8000-000000000000", "a_b", &"a".repeat(64)] {
            assert_eq!(JobSubject::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "a b", "a/b", "é", &"a".repeat(65)] {
            assert_eq!(JobSubject::parse(text), Err(InvalidJobSubject), "{text}");
        }
    }
}
