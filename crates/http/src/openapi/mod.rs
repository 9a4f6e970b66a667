//! Builds the OpenAPI document from the operations. `crates/http/openapi.json` is a committed copy, so that API changes show up
//! in review.

mod problems;
mod texts;

use serde_json::Value;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::problem::ProblemBody;
use crate::tags;

use problems::Problems;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Parley",
        description = "A CRM for businesses that talk to their customers on WhatsApp.\n\n\
            Times are RFC 3339 in UTC, ids are UUIDs. Every response has `X-Request-ID`: the client's own, if it is 1 to \
            128 letters, digits, dots, hyphens and underscores, otherwise a new one. Every error response is a problem \
            (RFC 9457) whose `code` is one of a closed set. Unknown fields and query parameters are refused.\n\n\
            Lists are paged: pass `next_cursor` of one page as `cursor` to get the next, until it is null.\n\n\
            Requests of a user, of an API key and from an address are limited; `RateLimit` and `RateLimit-Policy` tell what is left. Over a \
            limit the response is 429 with `Retry-After`.\n\n\
            Requests that create a resource can be retried with the same `Idempotency-Key`: the resource is created once, and the retry gets the first response.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    components(schemas(ProblemBody<'static>)),
    tags(
        (name = tags::AUTH, description = "Sign-up, registration, login and sessions"),
        (name = tags::TENANT, description = "The tenant's settings"),
        (name = tags::USERS, description = "The tenant's users"),
        (name = tags::ROLES, description = "Roles and their assignment to users"),
        (name = tags::API_KEYS, description = "Keys with which programs call the API"),
        (name = tags::KEYS, description = "Public keys that verify access tokens"),
        (name = tags::CHANNELS, description = "The tenant's WhatsApp numbers and Meta apps"),
        (name = tags::TEMPLATES, description = "Messages that Meta has approved in advance"),
        (name = tags::CRM, description = "Contacts, conversations and messages"),
        (name = tags::BILLING, description = "Plans, subscription, usage and invoices"),
        (name = tags::EVENTS, description = "Webhook events and dead letters"),
        (name = tags::AUDIT, description = "The audit log"),
        (name = tags::PLATFORM, description = "For operators, with a provisioning key"),
        (name = tags::WEBHOOKS, description = "Called by Meta"),
        (name = tags::SENDING, description = "Messages to customers: sending, changing and following them"),
        (name = tags::OPERATIONS, description = "Health, readiness and this document"),
    ),
)]
struct Base;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut Document) {
        let mut http = Http::new(HttpAuthScheme::Bearer);
        http.bearer_format = Some("JWT or parley_ak_...".to_owned());
        http.description = Some("An access token from `/auth/login`, or an API key (`parley_ak_...`) from `/api-keys`. Scopes are the required permissions. \
             API keys can hold crm:read, crm:write, messages:send, templates:read, channels:read, events:read and billing:read; \
             operations that need another permission, or no permission at all, are for users only, except `/auth/me`.".to_owned());
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

/// The OpenAPI document, as application data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenApiJson(pub(crate) &'static str);

/// The document of the given parts, as indented JSON.
pub(crate) fn render(parts: impl Iterator<Item = Document>) -> String {
    let mut document = parts.fold(Base::openapi(), Document::merge_from);
    Security.modify(&mut document);
    Problems.modify(&mut document);
    let mut document = serde_json::to_value(&document).unwrap_or(Value::Null);
    texts::write_out(&mut document);
    // Other crates can enable serde_json's `preserve_order`; sort explicitly, so that the file does not depend on it.
    document.sort_all_objects();
    format!("{document:#}\n")
}
