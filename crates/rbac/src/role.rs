use chrono::{DateTime, Utc};
use kernel::PermissionSet;
use kernel::ids::RoleId;

/// A named set of permissions within one tenant.
#[derive(Clone, Debug)]
pub struct Role {
    pub id: RoleId,
    pub key: RoleKey,
    pub name: RoleName,
    /// Created at sign-up; immutable.
    pub system: bool,
    pub permissions: PermissionSet,
    /// Starts at 1 and increases with each change.
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

impl Role {
    /// How many custom roles a tenant may have.
    pub const MAX_CUSTOM: i64 = 100;
}

/// A role's name in the API, unique within its tenant: 1 to 50 lower-case letters, digits, hyphens and underscores, the first
/// a letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleKey(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {} lower-case letters, digits, - and _, and start with a letter", RoleKey::MAX_CHARS)]
pub struct InvalidRoleKey;

impl RoleKey {
    const MAX_CHARS: usize = 50;

    /// # Errors
    /// [`InvalidRoleKey`].
    pub fn parse(text: &str) -> Result<Self, InvalidRoleKey> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let fits = text.len() <= Self::MAX_CHARS
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(allowed);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidRoleKey) }
    }

    #[must_use]
    pub const fn from_stored(key: String) -> Self {
        Self(key)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The display name of a role: 1 to 120 characters on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleName(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {} characters on one line", RoleName::MAX_CHARS)]
pub struct InvalidRoleName;

impl RoleName {
    const MAX_CHARS: usize = 120;

    /// # Errors
    /// [`InvalidRoleName`].
    pub fn parse(text: &str) -> Result<Self, InvalidRoleName> {
        let text = text.trim();
        let fits = (1..=Self::MAX_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidRoleName) }
    }

    #[must_use]
    pub const fn from_stored(name: String) -> Self {
        Self(name)
    }

    /// Whether people take both for the same name: spaces and upper case do not distinguish names.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let words = |name: &Self| name.0.to_lowercase().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        words(self) == words(other)
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
    fn role_key_outside_charset_or_length_is_refused() {
        for text in ["a", "sales", "tier-2_lead", &"x".repeat(50)] {
            assert_eq!(RoleKey::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "Sales", "2nd", "-x", "a b", "a.b", "é", &"x".repeat(51)] {
            assert_eq!(RoleKey::parse(text), Err(InvalidRoleKey), "{text:?}");
        }
    }

    #[test]
    fn role_name_is_trimmed_and_bounded() {
        assert_eq!(RoleName::parse("  Sales & co ").unwrap().as_str(), "Sales & co");
        for text in ["", "  ", "a\nb", "a\u{0}b", &"x".repeat(121)] {
            assert_eq!(RoleName::parse(text), Err(InvalidRoleName), "{text:?}");
        }
    }
}
