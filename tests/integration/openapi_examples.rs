//! The server accepts each example of its OpenAPI document.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::kit::app::{Settings, TestApp};
use crate::kit::operators::all_scopes;

const ID: &str = "0190b5a2-7e2f-7000-8000-000000000000";

/// Of a Meta app.
const KEY: &str = "00112233445566778899aabbccddeeff00112233";

fn document() -> Value {
    serde_json::from_str(include_str!("../../crates/http/openapi.json")).unwrap()
}

fn resolve<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema["$ref"].as_str() {
        Some(name) => resolve(document, document.pointer(name.trim_start_matches('#')).unwrap()),
        // `null` or the schema.
        None => schema["oneOf"]
            .as_array()
            .and_then(|any| any.iter().find(|it| it["$ref"].is_string()))
            .map_or(schema, |schema| resolve(document, schema)),
    }
}

/// The example of a schema, or one that is made of the examples of its members; a value of the type where there is none.
fn example(document: &Value, schema: &Value) -> Value {
    for holder in [schema, resolve(document, schema)] {
        if let Some(example) = holder.get("example").or_else(|| holder["examples"].get(0)) {
            return example.clone();
        }
    }
    let schema = resolve(document, schema);
    if let Some(properties) = schema["properties"].as_object() {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let has_example = |schema: &Value| schema.get("example").is_some();
        let members =
            properties.iter().filter(|(name, schema)| required.contains(&name.as_str()) || has_example(schema));
        return members.map(|(name, schema)| (name.clone(), example(document, schema))).collect::<Map<_, _>>().into();
    }
    if let Some(value) = schema["enum"].get(0) {
        return value.clone();
    }
    match (&schema["type"], schema["format"].as_str()) {
        (Value::String(kind), Some("uuid")) if kind == "string" => json!(ID),
        (Value::String(kind), _) if kind == "string" => json!("correct horse battery"),
        (Value::String(kind), _) if kind == "integer" => json!(1),
        (Value::String(kind), _) if kind == "boolean" => json!(true),
        (Value::String(kind), _) if kind == "array" => json!([]),
        _ => json!({}),
    }
}

/// The path with an id or a key for each parameter, and with the examples of the query.
fn path(document: &Value, template: &str, operation: &Value) -> String {
    let mut path = template.to_owned();
    let mut query = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap();
        let is_uuid = parameter["schema"]["format"] == "uuid";
        match parameter["in"].as_str() {
            Some("path") => path = path.replace(&format!("{{{name}}}"), if is_uuid { ID } else { KEY }),
            Some("query") if parameter.get("example").is_some() || parameter["required"] == true => {
                let value =
                    parameter.get("example").cloned().unwrap_or_else(|| example(document, &parameter["schema"]));
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                query.push(format!("{name}={}", value.replace(' ', "%20")));
            }
            _ => {}
        }
    }
    if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
}

/// Whether the answer depends on what is stored or on who asks, rather than on the form of the request.
fn is_about_state(status: u16, text: &str) -> bool {
    let names_no_account = status == 422 && text.contains(r#""pointer":"/account_id","code":"invalid""#);
    names_no_account || matches!(status, 404 | 409) || (matches!(status, 401 | 403) && !text.contains("\"errors\""))
}

#[tokio::test(flavor = "multi_thread")]
async fn server_accepts_each_example_of_the_document() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let operator = all_scopes(&app).await;
    let document = document();
    let (mut sent, mut refused) = (0, Vec::new());
    for (template, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            // Its own: some examples end the session, or change the password.
            let tenant = app.tenant().await;
            let security = operation["security"].to_string();
            let client = match () {
                () if security.contains("provisioning_key") => &operator,
                () if security.contains("bearer") => &tenant.client,
                () => &app.client.with("x-tenant-id", &tenant.slug),
            };
            let path = path(&document, template, operation);
            let body = operation["requestBody"]["content"]["application/json"].clone();
            // A form: `media` uploads some.
            if body.is_null() && operation["requestBody"].is_object() {
                continue;
            }
            let bytes = (!body.is_null()).then(|| {
                let given = body
                    .get("example")
                    .cloned()
                    .or_else(|| body["examples"].as_object()?.values().next()?.get("value").cloned());
                given.unwrap_or_else(|| example(&document, &body["schema"])).to_string().into_bytes()
            });
            let shown = bytes.as_deref().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
            let method: Method = method.to_uppercase().parse().unwrap();
            let response = client.with("content-type", "application/json").send(method.clone(), &path, bytes).await;
            sent += 1;
            if !response.status.is_success() && !is_about_state(response.status.as_u16(), &response.text) {
                refused.push(format!("{method} {path} {shown}\n    {}", response.text));
            }
        }
    }
    assert!(refused.is_empty(), "of {sent} examples these are refused:\n{}", refused.join("\n"));
}
