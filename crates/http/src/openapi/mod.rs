//! The OpenAPI document, generated from the handlers. `crates/http/openapi.json` is a committed copy, so that API
//! changes show up in review.

mod problems;

use std::sync::LazyLock;

use serde_json::Value;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::path::PathItem;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::problem::ProblemBody;
use crate::{audit, billing, channels, crm, events, iam, operations, platform, rbac, tokens, webhooks};

use problems::Problems;

/// Tags that group the operations.
pub(crate) mod tag {
    pub(crate) const AUTH: &str = "auth";
    pub(crate) const TENANT: &str = "tenant";
    pub(crate) const USERS: &str = "users";
    pub(crate) const ROLES: &str = "roles";
    pub(crate) const KEYS: &str = "keys";
    pub(crate) const CHANNELS: &str = "channels";
    pub(crate) const CRM: &str = "crm";
    pub(crate) const BILLING: &str = "billing";
    pub(crate) const AUDIT: &str = "audit";
    pub(crate) const EVENTS: &str = "events";
    pub(crate) const PLATFORM: &str = "platform";
    pub(crate) const WEBHOOKS: &str = "webhooks";
    pub(crate) const OPERATIONS: &str = "operations";
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Parley",
        description = "A CRM for businesses that talk to their customers on WhatsApp.\n\n\
            Times are RFC 3339 in UTC, ids are UUIDs. Every response has `X-Request-ID`: the client's own, if it is 1 to \
            128 letters, digits, dots, hyphens and underscores, otherwise a new one. Every error response is a problem \
            (RFC 9457) whose `code` is one of a closed set. Unknown fields and query parameters are refused.\n\n\
            Lists are paged: pass `next_cursor` of one page as `cursor` to get the next, until it is null.\n\n\
            Requests that create a resource can be retried with the same `Idempotency-Key`: the resource is created once, and the retry gets the first response.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        iam::signup::signup,
        iam::register::register,
        iam::login::login,
        iam::me::me,
        iam::password::change,
        iam::tenant::read,
        iam::tenant::change,
        iam::users::list,
        iam::users::create,
        iam::users::read,
        iam::users::change,
        iam::users::delete,
        rbac::permissions::list,
        rbac::roles::list,
        rbac::roles::create,
        rbac::roles::read,
        rbac::roles::change,
        rbac::roles::delete,
        rbac::role_permissions::replace,
        rbac::memberships::list,
        rbac::memberships::grant,
        rbac::memberships::revoke,
        tokens::refresh::refresh,
        tokens::logout::log_out,
        tokens::sessions::list,
        tokens::sessions::end,
        tokens::jwks::jwks,
        channels::whatsapp_accounts::list,
        channels::whatsapp_accounts::connect,
        channels::whatsapp_accounts::read,
        channels::whatsapp_accounts::change,
        channels::whatsapp_accounts::disconnect,
        channels::meta_apps::list,
        channels::meta_apps::create,
        channels::meta_apps::change,
        channels::meta_apps::delete,
        crm::contacts::list,
        crm::contact_create::create,
        crm::contacts::read,
        crm::contact_change::change,
        crm::contact_delete::delete,
        crm::contact_merge::merge,
        crm::interactions::list,
        crm::notes::add,
        crm::conversations::list,
        crm::conversations::read,
        crm::conversation_change::change,
        crm::messages::list,
        billing::plans::list,
        billing::subscription::read,
        billing::subscription::change,
        billing::usage::read,
        billing::invoices::list,
        billing::invoices::read,
        billing::payment::mark_paid,
        crm::search::search,
        events::webhook_events::list,
        events::webhook_events::read,
        events::replay::replay,
        events::replay::replay_many,
        events::discard::discard,
        audit::log::list,
        audit::export::export,
        audit::verify::verify,
        platform::audit_log::list,
        platform::tenants::create::create,
        platform::tenants::read::list,
        platform::tenants::read::read,
        platform::tenants::change::change,
        platform::signing_keys::rotate,
        platform::webhook_events::list,
        platform::whatsapp_accounts::list,
        platform::whatsapp_accounts::approve,
        webhooks::handshake::handshake,
        webhooks::handshake::handshake_of_app,
        webhooks::deliveries::deliver,
        webhooks::deliveries::deliver_to_app,
        operations::health::health,
        operations::readiness::ready,
        operations::document::document,
    ),
    components(schemas(ProblemBody<'static>)),
    tags(
        (name = tag::AUTH, description = "Sign-up, registration, login and sessions"),
        (name = tag::TENANT, description = "The tenant's settings"),
        (name = tag::USERS, description = "The tenant's users"),
        (name = tag::ROLES, description = "Roles and their assignment to users"),
        (name = tag::KEYS, description = "Public keys that verify access tokens"),
        (name = tag::CHANNELS, description = "The tenant's WhatsApp numbers and Meta apps"),
        (name = tag::CRM, description = "Contacts, conversations and messages"),
        (name = tag::BILLING, description = "Plans, subscription, usage and invoices"),
        (name = tag::EVENTS, description = "Webhook events and dead letters"),
        (name = tag::AUDIT, description = "The audit log"),
        (name = tag::PLATFORM, description = "For operators, with a provisioning key"),
        (name = tag::WEBHOOKS, description = "Called by Meta"),
        (name = tag::OPERATIONS, description = "Health, readiness and this document"),
    ),
    modifiers(&Bearer, &Problems),
)]
struct Api;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut Document) {
        let mut http = Http::new(HttpAuthScheme::Bearer);
        http.bearer_format = Some("JWT".to_owned());
        http.description = Some("An access token from `/auth/login`. Scopes are the required permissions.".to_owned());
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(http));
        let mut http = Http::new(HttpAuthScheme::Bearer);
        http.bearer_format = Some("parley_pk_...".to_owned());
        http.description = Some(
            "A provisioning key from `parley provisioning-key create`. Scopes are the key's required scopes."
                .to_owned(),
        );
        components.add_security_scheme("provisioning_key", SecurityScheme::Http(http));
    }
}

static DOCUMENT: LazyLock<Document> = LazyLock::new(Api::openapi);

static JSON: LazyLock<String> = LazyLock::new(|| {
    let mut document = serde_json::to_value(&*DOCUMENT).unwrap_or(Value::Null);
    // Other crates can enable serde_json's `preserve_order`; sort explicitly, so that the file does not depend on it.
    document.sort_all_objects();
    format!("{document:#}\n")
});

/// The document as indented JSON.
#[must_use]
pub fn json() -> &'static str {
    &JSON
}

/// The methods of a path, in the format of `Allow`.
pub(crate) fn methods_of(pattern: &str) -> Option<String> {
    let path = DOCUMENT.paths.paths.get(pattern)?;
    Some(methods(path).collect::<Vec<_>>().join(", "))
}

fn methods(path: &PathItem) -> impl Iterator<Item = &'static str> {
    let methods = [
        ("GET", &path.get),
        ("POST", &path.post),
        ("PUT", &path.put),
        ("PATCH", &path.patch),
        ("DELETE", &path.delete),
    ];
    methods.into_iter().filter_map(|(method, operation)| operation.as_ref().map(|_| method))
}

#[cfg(test)]
mod tests;
