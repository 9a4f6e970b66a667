/// An id given by Meta: 1 to 64 digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MetaId(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAccountField {
    #[error("must be an id given by Meta: 1 to 64 digits")]
    Id,
    #[error("must have 1 to 120 characters on one line")]
    Text,
}

impl MetaId {
    /// # Errors
    /// [`InvalidAccountField::Id`].
    pub fn parse(text: &str) -> Result<Self, InvalidAccountField> {
        let valid = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidAccountField::Id) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
