//! What audit records call that which something was done to.

pub(crate) const TENANT: &str = "tenant";
pub(crate) const USER: &str = "user";
