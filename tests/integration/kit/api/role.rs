//! Roles, their permissions, and memberships of users.

use serde::Deserialize;

use super::Resource;

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Role {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) system: bool,
    pub(crate) permissions: Vec<String>,
    pub(crate) version: i64,
    pub(crate) created_at: String,
}

impl Role {
    pub(crate) fn permissions_path(&self) -> String {
        format!("{}/permissions", self.path())
    }
}

impl Resource for Role {
    const LIST: &'static str = "/roles";

    fn segment(&self) -> &str {
        &self.id
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Membership {
    pub(crate) role_id: String,
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) system: bool,
    pub(crate) created_at: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Permission {
    pub(crate) key: String,
    pub(crate) implies: Option<String>,
}
