use chrono::{DateTime, Utc};
use kernel::ids::RoleId;

use crate::{RoleKey, RoleName};

/// That a user has a role.
#[derive(Clone, Debug)]
pub struct Membership {
    pub role: RoleId,
    pub key: RoleKey,
    pub name: RoleName,
    pub system: bool,
    /// When it was given to them.
    pub created_at: DateTime<Utc>,
}
