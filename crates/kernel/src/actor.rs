use std::fmt::Debug;

use crate::ids::{ApiKeyId, UserId};

/// Who sent a request in a tenant: a user with a session, or a program with an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    User(UserId),
    ApiKey(ApiKeyId),
}

impl Actor {
    /// The user; `None` for a program.
    #[must_use]
    pub const fn user(self) -> Option<UserId> {
        match self {
            Self::User(user) => Some(user),
            Self::ApiKey(_) => None,
        }
    }

    /// The API key; `None` for a user.
    #[must_use]
    pub const fn api_key(self) -> Option<ApiKeyId> {
        match self {
            Self::User(_) => None,
            Self::ApiKey(key) => Some(key),
        }
    }
}

/// Who may hold a permission: any [`Actor`], or users only. The type of the permission decides, so that a use case that needs a
/// user cannot be reached with an API key, whatever is stored of the key.
pub trait Holder: Copy + Debug + Into<Actor> + Send + Sync + 'static {
    /// `None` if this actor may not hold such a permission.
    fn of(actor: Actor) -> Option<Self>;
}

impl Holder for Actor {
    fn of(actor: Actor) -> Option<Self> {
        Some(actor)
    }
}

impl Holder for UserId {
    fn of(actor: Actor) -> Option<Self> {
        actor.user()
    }
}

impl From<UserId> for Actor {
    fn from(user: UserId) -> Self {
        Self::User(user)
    }
}
