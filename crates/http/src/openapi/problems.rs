use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::StatusCode;
use utoipa::Modify;
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{OpenApi, Ref, RefOr};

use crate::idempotency;
use crate::problem::{Code, MEDIA_TYPE, Problem};
use crate::tags;

/// The extension in which a handler lists its own problem codes. utoipa cannot derive responses from codes, so they arrive as an
/// extension, which is replaced by the responses here.
const EXTENSION: &str = "x-problems";

/// Problems of each operation with a JSON body.
const JSON_BODY_PROBLEMS: [Code; 6] = [
    Code::MalformedJson,
    Code::IncompleteBody,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::ValidationFailed,
];

/// Problems of each operation that takes an `Idempotency-Key`.
const IDEMPOTENCY_PROBLEMS: [Code; 3] = [Code::InvalidIdempotencyKey, Code::RequestRunning, Code::IdempotencyKeyReused];

/// The operation that needs no permission and is for users and programs.
const FOR_ANY_CALLER: &str = "me";

/// Problems of each protected operation.
const USER_PROBLEMS: [Code; 6] = [
    Code::AmbiguousCredentials,
    Code::InvalidTenantId,
    Code::Unauthenticated,
    Code::InvalidToken,
    Code::TenantMismatch,
    Code::TemporarilyUnavailable,
];

/// Problems of each operator's operation.
const OPERATOR_PROBLEMS: [Code; 6] = [
    Code::AmbiguousCredentials,
    Code::Unauthenticated,
    Code::InvalidToken,
    Code::InsufficientScope,
    Code::OperatorsOnly,
    Code::TemporarilyUnavailable,
];

/// Documents all error responses: those that the handler lists, and those that its arguments imply.
pub(super) struct Problems;

impl Modify for Problems {
    fn modify(&self, document: &mut OpenApi) {
        document.paths.paths.values_mut().flat_map(operations).for_each(add_problems);
    }
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut path.get, &mut path.post, &mut path.put, &mut path.patch, &mut path.delete].into_iter().flatten()
}

fn add_problems(operation: &mut Operation) {
    let own = operation.extensions.as_mut().and_then(|extensions| extensions.remove(EXTENSION));
    let own: BTreeSet<String> = own.and_then(|codes| serde_json::from_value(codes).ok()).unwrap_or_default();
    let implied_problems = implied_problems(operation);
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in Code::ALL.iter().filter(|code| own.contains(code.key()) || implied_problems.contains(code)) {
        by_status.entry(code.status().as_u16()).or_default().push(*code);
    }
    let responses = by_status.into_iter().map(|(status, codes)| (status.to_string(), RefOr::T(response(&codes))));
    operation.responses.responses.extend(responses);
    let status = ["201", "202"].into_iter().find(|status| operation.responses.responses.contains_key(*status));
    if takes_idempotency_key(operation)
        && let Some(RefOr::T(created)) = status.and_then(|status| operation.responses.responses.get_mut(status))
    {
        let replayed = header(
            Type::Boolean,
            "True if this response was stored for an earlier request with the same Idempotency-Key",
        );
        created.headers.insert(idempotency::REPLAYED_HEADER.to_owned(), RefOr::T(replayed));
    }
}

/// The problems that follow from the operation's parameters, body and security.
fn implied_problems(operation: &Operation) -> BTreeSet<Code> {
    let mut codes = BTreeSet::from([Code::InternalError]);
    let tagged = |tag: &str| operation.tags.iter().flatten().any(|it| it == tag);
    // Whatever is not a probe can find the process busy, and whatever is not called by Meta has a limit.
    if !tagged(tags::OPERATIONS) {
        codes.insert(Code::TemporarilyUnavailable);
        if !tagged(tags::WEBHOOKS) {
            codes.insert(Code::RateLimited);
        }
    }
    if has_json_body(operation) {
        codes.extend(JSON_BODY_PROBLEMS);
    }
    if takes_idempotency_key(operation) {
        codes.extend(IDEMPOTENCY_PROBLEMS);
    }
    let is_query =
        |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(it) if it.parameter_in == ParameterIn::Query);
    if operation.parameters.iter().flatten().any(is_query) {
        codes.insert(Code::InvalidQuery);
    }
    let scopes = operation.security.iter().flatten().filter_map(|requirement| serde_json::to_value(requirement).ok());
    for scopes in scopes {
        if scopes["provisioning_key"].is_array() {
            codes.extend(OPERATOR_PROBLEMS);
            continue;
        }
        codes.extend(USER_PROBLEMS);
        if scopes["bearer"].as_array().is_some_and(|scopes| !scopes.is_empty()) {
            codes.insert(Code::InsufficientScope);
        } else if operation.operation_id.as_deref() != Some(FOR_ANY_CALLER) {
            codes.insert(Code::UsersOnly);
        }
    }
    codes
}

/// Whether the operation takes an `Idempotency-Key`.
fn takes_idempotency_key(operation: &Operation) -> bool {
    let is_key = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(it) if it.parameter_in == ParameterIn::Header && it.name == idempotency::HEADER);
    operation.parameters.iter().flatten().any(is_key)
}

/// Whether the body is deserialized into a type, which has a named schema. Bodies without a named schema are read as
/// bytes.
fn has_json_body(operation: &Operation) -> bool {
    let Some(RefOr::T(body)) = &operation.request_body else { return false };
    let is_named = |schema: &RefOr<Schema>| match schema {
        RefOr::Ref(_) => true,
        // The body may be left out.
        RefOr::T(Schema::OneOf(schemas)) => schemas.items.iter().any(|schema| matches!(schema, RefOr::Ref(_))),
        RefOr::T(_) => false,
    };
    let has_named =
        |content: &RefOr<Content>| matches!(content, RefOr::T(it) if it.schema.as_ref().is_some_and(is_named));
    body.content.values().any(has_named)
}

/// One response for all problems of a status.
fn response(codes: &[Code]) -> Response {
    let lines = codes.iter().map(|code| format!("`{}`: {}", code.key(), code.detail()));
    let examples = codes.iter().map(|code| {
        let example = Problem::new(*code).to_json(Some("0190b5a2-7e2f-7000-8000-000000000000"));
        (code.key(), ExampleBuilder::new().summary(code.title()).value(Some(example)).build())
    });
    let content =
        ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).examples_from_iter(examples).build();
    let response =
        ResponseBuilder::new().description(lines.collect::<Vec<_>>().join("\n\n")).content(MEDIA_TYPE, content);
    let is = |code| codes.contains(&code);
    let response = if codes.iter().any(|code| code.status() == StatusCode::UNAUTHORIZED) || is(Code::InsufficientScope)
    {
        response.header("WWW-Authenticate", header(Type::String, "The challenge (RFC 9110, RFC 6750)"))
    } else {
        response
    };
    if is(Code::TemporarilyUnavailable) || is(Code::Busy) || is(Code::TooManyAttempts) || is(Code::RateLimited) {
        response.header("Retry-After", header(Type::Integer, "Seconds to wait")).build()
    } else {
        response.build()
    }
}

fn header(schema: Type, description: &str) -> utoipa::openapi::header::Header {
    let schema = ObjectBuilder::new().schema_type(SchemaType::new(schema)).build();
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}
