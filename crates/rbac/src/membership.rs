use chrono::{DateTime, Utc};
use kernel::ids::RoleId;

use crate::{RoleKey, RoleName};

/// A role of a user.
#[derive(Clone, Debug)]
pub struct Membership {
    pub role: RoleId,
    pub key: RoleKey,
    pub name: RoleName,
    pub system: bool,
    /// When the role was granted.
    pub created_at: DateTime<Utc>,
}
