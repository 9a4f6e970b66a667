//! Tenants.

use serde::Deserialize;

use super::Resource;

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Tenant {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) self_registration: String,
    pub(crate) created_at: String,
}

/// As operators see them.
impl Resource for Tenant {
    const LIST: &'static str = "/tenants";

    fn segment(&self) -> &str {
        &self.id
    }
}
