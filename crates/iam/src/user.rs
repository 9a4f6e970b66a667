use chrono::{DateTime, Utc};
use kernel::Clock;
use kernel::ids::UserId;
use strum::{EnumString, IntoStaticStr};

use crate::Email;

/// A user of one tenant. Users of different tenants may have the same email address; they are different users.
#[derive(Clone, Debug)]
pub struct User {
    pub id: UserId,
    pub email: Email,
    pub name: UserName,
    pub status: UserStatus,
    /// The user registered without an invitation, and the address is not verified.
    pub self_registered: bool,
    pub created_at: DateTime<Utc>,
}

impl User {
    /// A new, active user.
    #[must_use]
    pub fn new(email: Email, name: UserName, self_registered: bool, clock: &dyn Clock) -> Self {
        let (id, created_at) = (UserId::new(clock), clock.now());
        Self { id, email, name, status: UserStatus::Active, self_registered, created_at }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum UserStatus {
    Active,
    Suspended,
}

/// The display name of a user: up to 120 characters on one line; may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserName(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have at most 120 characters on one line")]
pub struct InvalidUserName;

impl UserName {
    /// # Errors
    /// [`InvalidUserName`].
    pub fn parse(text: &str) -> Result<Self, InvalidUserName> {
        let text = text.trim();
        let valid = text.chars().count() <= 120 && !text.chars().any(char::is_control);
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidUserName) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
