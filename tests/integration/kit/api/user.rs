//! Users of a tenant.

use serde::Deserialize;

use super::Resource;

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) self_registered: bool,
    pub(crate) roles: Vec<String>,
    pub(crate) created_at: String,
}

impl Resource for User {
    const LIST: &'static str = "/users";

    fn segment(&self) -> &str {
        &self.id
    }
}
