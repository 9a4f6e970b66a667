/// The reason that a user gave for an action: 1 to 500 characters, without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {} characters and no control characters", Reason::MAX_CHARS)]
pub struct InvalidReason;

impl Reason {
    pub const MAX_CHARS: usize = 500;

    /// # Errors
    /// [`InvalidReason`].
    pub fn parse(text: &str) -> Result<Self, InvalidReason> {
        let text = text.trim();
        let fits = (1..=Self::MAX_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidReason) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_is_trimmed_and_bounded() {
        assert_eq!(Reason::parse("  the mapping is fixed ").unwrap().as_str(), "the mapping is fixed");
        for text in ["", "  ", "a\nb", "a\u{0}b", &"x".repeat(501)] {
            assert_eq!(Reason::parse(text), Err(InvalidReason), "{text:?}");
        }
    }
}
