//! What the OpenAPI document says about each operation.

use std::fmt;

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::fixture::UNKNOWN;

/// The list that holds the ids for a parameter or body member.
const LISTS: [(&str, &str); 9] = [
    ("account", "/whatsapp-accounts"),
    ("account_id", "/whatsapp-accounts"),
    ("app", "/meta-apps"),
    ("assignee", "/users"),
    ("assignee_id", "/users"),
    ("contact", "/crm/contacts"),
    ("contact_id", "/crm/contacts"),
    ("role_id", "/roles"),
    ("user_id", "/users"),
];

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Anyone,
    /// A tenant's user.
    Tenant,
    /// An operator, who belongs to no tenant.
    Operator,
}

#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) method: Method,
    pub(super) template: String,
    pub(super) access: Access,
    pub(super) permission: Option<String>,
    /// Path parameters, in order.
    pub(super) path_parameters: Vec<String>,
    /// Query parameters that are ids, each with the list that holds them.
    pub(super) query_ids: Vec<(String, &'static str)>,
    /// Body members that are ids, each with the list that holds them.
    pub(super) body_ids: Vec<(String, &'static str)>,
    pub(super) has_cursor: bool,
    /// Whether it accepts an `Idempotency-Key`.
    pub(super) takes_key: bool,
    body: Option<Value>,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} {})", self.id, self.method, self.template)
    }
}

impl Operation {
    /// A body built from the document's examples and schemas.
    pub(super) fn body(&self) -> Option<Value> {
        self.body.clone()
    }

    /// A path whose ids do not exist.
    pub(super) fn unknown_path(&self) -> String {
        self.path_parameters
            .iter()
            .fold(self.template.clone(), |path, name| path.replace(&format!("{{{name}}}"), unknown_parameter(name)))
    }
}

/// A key parameter needs a value of valid form.
pub(super) fn unknown_parameter(name: &str) -> &'static str {
    if matches!(name, "key" | "app") { "0000000000000000000000000000000000000000" } else { UNKNOWN }
}

/// The list that holds the ids for a parameter of this name.
pub(super) fn list_of(name: &str) -> Option<&'static str> {
    LISTS.iter().find(|(known, _)| *known == name).map(|(_, list)| *list)
}

pub(super) fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().expect("the document has paths");
    let each = paths.iter().flat_map(|(template, item)| {
        let methods = item.as_object().expect("a path has operations").iter();
        methods.map(move |(method, operation)| read(document, template, method, operation))
    });
    each.collect()
}

fn read(document: &Value, template: &str, method: &str, operation: &Value) -> Operation {
    let id = operation["operationId"].as_str().expect("an operation has an id").to_owned();
    let parameters: Vec<&Value> = operation["parameters"].as_array().into_iter().flatten().collect();
    let named = |place: &'static str| {
        let of_place = parameters.iter().filter(move |parameter| parameter["in"] == place);
        of_place.map(|parameter| (parameter["name"].as_str().expect("it has a name").to_owned(), &parameter["schema"]))
    };
    let listed = |name: String, where_: &str| {
        let list = list_of(&name).unwrap_or_else(|| {
            panic!("{id}: {where_} {name} is an id; name its list in LISTS of authorization/document.rs")
        });
        (name, list)
    };
    let is_id = |name: &str, schema: &Value| schema["format"] == "uuid" || list_of(name).is_some();
    let query_ids = named("query").filter(|(name, schema)| is_id(name, schema));
    let schema = body_schema(document, operation);
    let properties = schema.and_then(|schema| schema["properties"].as_object());
    let body_ids = properties.into_iter().flatten().filter(|(name, schema)| is_id(name, schema));
    let security = operation["security"].as_array().and_then(|all| all.first());
    let scopes = security.and_then(|scheme| scheme["bearer"].as_array());
    let mut path_parameters: Vec<String> = named("path").map(|(name, _)| name).collect();
    path_parameters.sort_by_key(|name| template.find(&format!("{{{name}}}")));
    Operation {
        method: Method::from_bytes(method.to_uppercase().as_bytes()).expect("it is a method"),
        template: template.to_owned(),
        access: match (security, scopes) {
            (None, _) => Access::Anyone,
            (_, Some(_)) => Access::Tenant,
            _ => Access::Operator,
        },
        permission: scopes.and_then(|scopes| Some(scopes.first()?.as_str()?.to_owned())),
        path_parameters,
        query_ids: query_ids.map(|(name, _)| listed(name, "query parameter")).collect(),
        body_ids: body_ids.map(|(name, _)| listed(name.clone(), "body member")).collect(),
        has_cursor: named("query").any(|(name, _)| name == "cursor"),
        takes_key: named("header").any(|(name, _)| name == "Idempotency-Key"),
        body: schema.map(|schema| value_of(document, schema)),
        id,
    }
}

fn body_schema<'d>(document: &'d Value, operation: &'d Value) -> Option<&'d Value> {
    let content = operation["requestBody"]["content"].as_object()?;
    Some(resolve(document, &content.values().next()?["schema"]))
}

fn resolve<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema["$ref"].as_str() {
        Some(reference) => resolve(document, document.pointer(reference.trim_start_matches('#')).expect("it is there")),
        None => schema,
    }
}

/// A value that a schema allows: its example, or the simplest one. An object without an example gets its required
/// members.
fn value_of(document: &Value, schema: &Value) -> Value {
    let schema = resolve(document, schema);
    let example = schema.get("example").or_else(|| schema["examples"].get(0));
    let kinds = schema["type"].as_array().cloned().unwrap_or_else(|| vec![schema["type"].clone()]);
    let is = |kind: &str| kinds.iter().any(|it| it == kind);
    let options = ["oneOf", "anyOf", "allOf"].iter().find_map(|key| schema[key].as_array()?.first());
    if let (None, Some(properties)) = (example, schema["properties"].as_object()) {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let members = properties.iter().filter(|(name, _)| required.contains(&name.as_str()));
        return members.map(|(name, schema)| (name.clone(), value_of(document, schema))).collect::<Map<_, _>>().into();
    }
    match (example, schema["enum"].get(0), options) {
        (Some(value), ..) | (None, Some(value), _) => value.clone(),
        (None, None, Some(option)) => value_of(document, option),
        _ if schema["format"] == "uuid" => json!(UNKNOWN),
        _ if is("array") => json!([]),
        _ if is("object") => json!({}),
        _ if is("integer") || is("number") => json!(1),
        _ if is("boolean") => json!(true),
        _ => json!("text"),
    }
}
