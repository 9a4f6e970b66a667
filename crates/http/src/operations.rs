//! The list of operations. One line registers an operation: its route, its authentication and its part of the OpenAPI
//! document all follow from the handler's `#[utoipa::path]`.

use std::sync::LazyLock;

use actix_web::guard;
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, Route};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::{Operation as OperationDocument, PathItem};

use crate::auth::Public;
use crate::extract::BodyLimit;
use crate::problem::{Code, Problem};
use crate::{
    audit, auth, billing, channels, crm, iam, inbound, jobs, media, openapi, operators, platform, rbac, sending,
    system, tags, templates, tokens, webhooks,
};

/// One operation of the API.
pub(crate) struct Operation {
    path: String,
    method: Method,
    access: Access,
    is_system: bool,
    document: OpenApi,
    route: fn(Method) -> Route,
}

/// Who may call an operation, from `security` in its `#[utoipa::path]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Public,
    User,
    Operator,
}

/// Builds the list. `#[openapi(paths(..))]` with a single handler gives the part of the document that describes it.
macro_rules! operations {
    ($($($segment:ident)::+),+ $(,)?) => {
        vec![$({
            #[derive(utoipa::OpenApi)]
            #[openapi(paths($($segment)::+))]
            struct Document;
            Operation::new(Document::openapi(), |method| on(method).to($($segment)::+))
        }),+]
    };
}

/// The router tries the paths in the order of this list: deliveries are the most frequent requests, so they come first. A
/// literal path must precede one with a parameter in the same place.
static OPERATIONS: LazyLock<Vec<Option<Operation>>> = LazyLock::new(|| {
    operations![
        webhooks::deliveries::deliver,
        webhooks::deliveries::deliver_to_app,
        webhooks::handshake::handshake,
        webhooks::handshake::handshake_of_app,
        system::health::health,
        system::ready::ready,
        system::document::document,
        tokens::jwks::jwks,
        tokens::refresh::refresh,
        tokens::logout::log_out,
        tokens::sessions::list,
        tokens::sessions::end,
        tokens::api_keys::read::list,
        tokens::api_keys::create::create,
        tokens::api_keys::read::read,
        tokens::api_keys::change::change,
        tokens::api_keys::revoke::revoke,
        tokens::api_keys::rotate::rotate,
        tokens::api_keys::read::list_of_user,
        iam::sign_up::signup,
        iam::register::register,
        iam::log_in::login,
        iam::me::me,
        iam::change_password::change,
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
        channels::whatsapp_accounts::list,
        channels::whatsapp_accounts::connect,
        channels::whatsapp_accounts::read,
        channels::change_whatsapp_account::change,
        channels::check_whatsapp_account::check,
        channels::resume_whatsapp_account::resume,
        channels::whatsapp_accounts::disconnect,
        channels::meta_apps::list,
        channels::meta_apps::create,
        channels::meta_apps::change,
        channels::meta_apps::delete,
        templates::read::list,
        templates::create::create,
        templates::sync::sync,
        templates::read::read,
        templates::edit::edit,
        templates::delete::delete,
        templates::preview::preview,
        crm::contacts::list,
        crm::create_contact::create,
        crm::contacts::read,
        crm::change_contact::change,
        crm::delete_contact::delete,
        crm::merge_contacts::merge,
        crm::interactions::list,
        crm::messages::list_of_contact,
        crm::add_note::add,
        crm::conversations::list,
        crm::conversations::read,
        crm::change_conversation::change,
        crm::messages::list,
        sending::send_message::send,
        sending::send_to::send,
        sending::change_send::read,
        sending::change_send::change,
        sending::change_send::list_attempts,
        sending::change_send::resend,
        sending::change_send::dismiss,
        sending::change_send::cancel,
        sending::about_message::set_reaction,
        sending::about_message::remove_reaction,
        sending::about_message::read,
        sending::about_message::typing,
        media::upload::upload,
        media::read::read,
        media::content::content,
        media::thumbnail::thumbnail,
        media::retry::retry,
        crm::search::search,
        billing::plans::list,
        billing::subscription::read,
        billing::subscription::change,
        billing::usage::read,
        billing::invoices::list,
        billing::invoices::read,
        billing::payment::mark_paid,
        inbound::webhook_events::list,
        inbound::replay::replay_many,
        inbound::webhook_events::read,
        inbound::replay::replay,
        inbound::discard::discard,
        jobs::list::list,
        jobs::retry::retry,
        jobs::discard::discard,
        audit::log::list,
        audit::export::export,
        audit::verify::verify,
        platform::tenants::read::list,
        platform::tenants::create::create,
        platform::tenants::read::read,
        platform::tenants::change::change,
        platform::audit_log::list,
        platform::signing_keys::rotate,
        platform::webhook_events::list,
        platform::whatsapp_accounts::list,
        platform::invoices::mark_paid,
        platform::whatsapp_accounts::approve,
    ]
});

fn operations() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().flatten()
}

/// The OpenAPI document, as indented JSON.
#[must_use]
pub fn openapi_json() -> &'static str {
    static JSON: LazyLock<String> =
        LazyLock::new(|| openapi::render(operations().map(|operation| operation.document.clone())));
    &JSON
}

/// Which operations a listener serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    Everyone,
    /// Users and Meta.
    AllButOperators,
    Operators,
}

/// Registers the operations of an audience.
pub(crate) fn register_for(audience: Audience, config: &mut ServiceConfig) {
    register(
        config,
        operations().filter(|operation| match (audience, operation.access) {
            (Audience::Everyone, _) => true,
            (Audience::AllButOperators, access) => access != Access::Operator,
            (Audience::Operators, access) => access == Access::Operator || operation.is_system,
        }),
    );
}

/// Registers health, readiness and the document: what a process that does not serve the API answers.
pub(crate) fn register_system(config: &mut ServiceConfig) {
    register(config, operations().filter(|operation| operation.is_system));
}

/// Registers a resource for each path, with its methods in the order of `Allow`.
fn register(config: &mut ServiceConfig, operations: impl Iterator<Item = &'static Operation>) {
    let mut paths: Vec<(&str, Vec<&Operation>)> = Vec::new();
    for operation in operations {
        match paths.iter_mut().find(|(path, _)| *path == operation.path) {
            Some((_, operations)) => operations.push(operation),
            None => paths.push((&operation.path, vec![operation])),
        }
    }
    for (path, operations) in paths {
        let methods: Vec<&Method> = operations.iter().map(|operation| &operation.method).collect();
        let allow = allowed_methods(&methods);
        let mut resource = web::resource(path).app_data(body_limit(path));
        resource = resource.route(options(allow.clone())).default_service(method_not_allowed(allow));
        for operation in &operations {
            resource = resource.route((operation.route)(operation.method.clone()));
        }
        match operations.first().map_or(Access::Public, |operation| operation.access) {
            Access::Public => config.service(resource),
            Access::User => config.service(resource.wrap(from_fn(auth::authenticate))),
            Access::Operator => config.service(resource.wrap(from_fn(operators::authenticate))),
        };
    }
}

fn body_limit(path: &str) -> BodyLimit {
    if path.starts_with("/auth/") { BodyLimit::AUTH } else { BodyLimit::DEFAULT }
}

/// A route of a method. What answers GET answers HEAD, too: the server leaves the body out (RFC 9110, section 9.3.2).
fn on(method: Method) -> Route {
    if method == Method::GET {
        web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
    } else {
        web::method(method)
    }
}

/// The methods of a path for `Allow`.
fn allowed_methods(methods: &[&Method]) -> String {
    let named = METHODS.iter().filter(|method| methods.contains(method));
    let named = named.flat_map(|method| match *method {
        Method::GET => vec![method.as_str(), Method::HEAD.as_str()],
        _ => vec![method.as_str()],
    });
    named.chain([Method::OPTIONS.as_str()]).collect::<Vec<_>>().join(", ")
}

/// Answers OPTIONS with the methods of the path (RFC 9110, section 9.3.7).
fn options(allow: String) -> Route {
    web::method(Method::OPTIONS).to(move |_public: Public| {
        let response = HttpResponse::NoContent().insert_header((ALLOW, allow.as_str())).finish();
        async { response }
    })
}

/// Responds with 405 and the methods of the path (RFC 9110, section 15.5.6).
fn method_not_allowed(allow: String) -> Route {
    web::to(move || {
        let problem = Problem::new(Code::MethodNotAllowed);
        let problem = match HeaderValue::from_str(&allow) {
            Ok(allow) => problem.with_header(ALLOW, allow),
            Err(error) => Problem::internal(error),
        };
        async move { Err::<HttpResponse, _>(problem) }
    })
}

/// The methods of operations, in the order of `Allow`.
const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// A page or file for people, which is no operation of the API.
pub(crate) fn page<F, A>(path: &str, handler: F) -> Resource
where
    F: Handler<A, Output: Responder + 'static>,
    A: FromRequest + 'static,
{
    let allow = allowed_methods(&[&Method::GET]);
    let resource = web::resource(path).route(options(allow.clone())).default_service(method_not_allowed(allow));
    resource.route(on(Method::GET).to(handler))
}

impl Operation {
    /// `None` if the document does not describe exactly one operation, which `#[utoipa::path]` rules out.
    fn new(document: OpenApi, route: fn(Method) -> Route) -> Option<Self> {
        let (path, item) = document.paths.paths.first_key_value()?;
        let (method, operation) = only_operation(item)?;
        let tagged = |tag: &str| operation.tags.iter().flatten().any(|it| it == tag);
        Some(Self {
            path: path.clone(),
            method,
            access: Access::from_security(operation),
            is_system: tagged(tags::OPERATIONS),
            route,
            document,
        })
    }
}

fn only_operation(item: &PathItem) -> Option<(Method, &OperationDocument)> {
    let operations = [&item.get, &item.post, &item.put, &item.patch, &item.delete];
    METHODS.into_iter().zip(operations).find_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

impl Access {
    fn from_security(operation: &OperationDocument) -> Self {
        let schemes = operation.security.iter().flatten().filter_map(|it| serde_json::to_value(it).ok());
        schemes.fold(Self::Public, |access, scheme| match access {
            Self::Public if scheme["provisioning_key"].is_array() => Self::Operator,
            Self::Public => Self::User,
            access => access,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_handler_describes_one_operation() {
        assert!(OPERATIONS.iter().all(Option::is_some));
    }

    #[test]
    fn operations_of_a_path_have_the_same_access() {
        for one in operations() {
            for other in operations().filter(|other| other.path == one.path) {
                assert_eq!(one.access, other.access, "{}", one.path);
            }
        }
    }

    /// Whether the pattern also matches the other path.
    fn shadows(pattern: &str, path: &str) -> bool {
        let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
        pattern.len() == path.len() && pattern.iter().zip(&path).all(|(a, b)| a == b || a.starts_with('{'))
    }

    #[test]
    fn no_path_is_shadowed_by_an_earlier_one() {
        let paths: Vec<&str> = operations().map(|operation| operation.path.as_str()).collect();
        for (at, path) in paths.iter().enumerate() {
            for earlier in &paths[..at] {
                assert!(earlier == path || !shadows(earlier, path), "{earlier} shadows {path}");
            }
        }
    }
}
