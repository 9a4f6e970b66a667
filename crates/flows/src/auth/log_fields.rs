//! What the log lines of a request say about its caller.

use iam::{Tenant, User};
use tracing::Span;
use tracing::field::display;

/// Adds the tenant to the log lines of the request, refused or not.
pub(crate) fn log_tenant(tenant: &Tenant) {
    Span::current().record("tenant_id", display(tenant.id));
}

/// Adds the tenant and the user to the log lines of the request.
pub(crate) fn log_user(tenant: &Tenant, user: &User) {
    log_tenant(tenant);
    Span::current().record("user_id", display(user.id));
}
