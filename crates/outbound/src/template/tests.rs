mod calls;
mod drafts;
mod edits;
mod reading;

use serde_json::{Value, json};

use super::*;
use crate::content::ContentError;
use crate::content::reader::Node;

const MEDIA: &str = "0190b5a2-7e2f-7000-8000-000000000000";

/// An entry of Meta's list.
fn template(format: &str, components: &Value) -> Template {
    let entry = json!({
        "id": "4711",
        "name": "order_shipped",
        "language": "en-US",
        "status": "APPROVED",
        "category": "UTILITY",
        "parameter_format": format,
        "quality_score": {"score": "GREEN"},
        "rejected_reason": "NONE",
        "components": components,
    });
    Template::from_meta(&entry).unwrap()
}

/// A text header, two numbered parameters, and buttons of three types.
fn order_shipped() -> Template {
    template(
        "POSITIONAL",
        &json!([
            {"type": "HEADER", "format": "TEXT", "text": "Order {{1}}", "example": {"header_text": ["4711"]}},
            {"type": "BODY", "text": "Hello {{1}}, order {{2}} is on its way. Bye {{1}}!",
             "example": {"body_text": [["Ada", "4711"]]}},
            {"type": "FOOTER", "text": "The shop"},
            {"type": "BUTTONS", "buttons": [
                {"type": "QUICK_REPLY", "text": "Thanks"},
                {"type": "URL", "text": "Track", "url": "https://example.com/t/{{1}}", "example": ["https://example.com/t/9"]},
                {"type": "URL", "text": "Shop", "url": "https://example.com"},
            ]},
        ]),
    )
}

/// Named parameters only.
fn greeting() -> Template {
    template("NAMED", &json!([{"type": "BODY", "text": "Hello {{first_name}}, it is {{day}}."}]))
}

/// A header that is a picture.
fn picture() -> Template {
    template(
        "POSITIONAL",
        &json!([
            {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["https://scontent.whatsapp.net/a"]}},
            {"type": "BODY", "text": "Look!"},
        ]),
    )
}

fn carousel() -> Template {
    let card = json!({"components": [
        {"type": "HEADER", "format": "IMAGE"},
        {"type": "BODY", "text": "House {{1}}"},
        {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Open", "url": "https://example.com/{{1}}"}]},
    ]});
    template(
        "POSITIONAL",
        &json!([{"type": "BODY", "text": "Our houses"}, {"type": "CAROUSEL", "cards": [card, card]}]),
    )
}

/// The call of the API's `template`, which lacks name and language here.
fn call(mut filling: Value) -> TemplateCall {
    filling["name"] = json!("order_shipped");
    filling["language"] = json!("en_US");
    TemplateCall::read(&Node::at(&filling, "/template")).unwrap()
}

fn filled(template: &Template, filling: Value) -> FilledTemplate {
    check(template, &call(filling)).unwrap_or_else(|error| panic!("{error}"))
}

fn error(template: &Template, filling: Value) -> ContentError {
    check(template, &call(filling)).unwrap_err()
}

fn meta(filled: &FilledTemplate) -> Value {
    Value::Object(filled.call.to_meta(&|_| Some("77".to_owned())).unwrap())
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}
