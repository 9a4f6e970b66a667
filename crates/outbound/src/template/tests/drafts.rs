use super::*;

fn draft() -> Value {
    json!({
        "name": "order_shipped",
        "language": "en-US",
        "category": "utility",
        "components": [
            {"type": "HEADER", "format": "TEXT", "text": "Order {{1}}", "example": {"header_text": ["4711"]}},
            {"type": "BODY", "text": "Hello {{1}}, order {{2}} is on its way.", "example": {"body_text": [["Ada", "4711"]]}},
            {"type": "FOOTER", "text": "The shop"},
            {"type": "BUTTONS", "buttons": [
                {"type": "QUICK_REPLY", "text": "Thanks"},
                {"type": "QUICK_REPLY", "text": "Stop"},
                {"type": "URL", "text": "Track", "url": "https://example.com/t/{{1}}", "example": ["9"]},
                {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+4915112345678"},
            ]},
        ],
    })
}

fn error(pointer: &str, value: Value) -> ContentError {
    let mut draft = draft();
    *draft.pointer_mut(pointer).unwrap() = value;
    NewTemplate::parse(&draft).unwrap_err()
}

#[test]
fn draft_becomes_the_body_that_meta_takes() {
    let new = NewTemplate::parse(&draft()).unwrap();
    let meta: Value = serde_json::from_str(&new.to_meta()).unwrap();
    assert_eq!(meta["language"], "en_US");
    assert_eq!(meta["category"], "UTILITY");
    assert_eq!(meta["parameter_format"], "POSITIONAL");
    assert_eq!(meta["components"], draft()["components"]);
}

#[test]
fn named_parameters_are_recognised() {
    let named = |example: Value| {
        json!({"name": "a", "language": "de", "category": "marketing", "components": [
            {"type": "body", "text": "Hi {{first_name}}", "example": example},
        ]})
    };
    let examples = json!({"body_text_named_params": [{"param_name": "first_name", "example": "Ada"}]});
    assert_eq!(NewTemplate::parse(&named(examples)).unwrap().format, ParameterFormat::Named);
    assert_eq!(NewTemplate::parse(&named(json!({}))).unwrap_err().pointer, "/components/0/example");
}

#[test]
fn what_meta_would_refuse_is_refused_with_its_place() {
    let buttons = "/components/3/buttons";
    let url = |url: &str| json!({"type": "URL", "text": "Open", "url": url});
    let quick = json!({"type": "QUICK_REPLY", "text": "A"});
    for (pointer, value, at) in [
        ("/name", json!("Order"), "/name"),
        ("/name", json!("a".repeat(513)), "/name"),
        ("/language", json!("english"), "/language"),
        ("/category", json!("service"), "/category"),
        ("/components/0/text", json!("x".repeat(61)), "/components/0/text"),
        ("/components/0/text", json!("{{1}} {{2}}"), "/components/0/text"),
        ("/components/0/format", json!("GIF"), "/components/0/format"),
        ("/components/0/format", json!("IMAGE"), "/components/0/example"),
        ("/components/1/text", json!("x".repeat(1_025)), "/components/1/text"),
        ("/components/1/text", json!("{{1}} and {{3}}"), "/components/1/text"),
        ("/components/1/example", json!({"body_text": [["Ada"]]}), "/components/1/example"),
        ("/components/2/type", json!("BODY"), "/components/2/type"),
        ("/components/2/text", json!("x".repeat(61)), "/components/2/text"),
        ("/components/2/text", json!("{{1}}"), "/components/2/text"),
        ("/components/2/type", json!("POSTSCRIPT"), "/components/2/type"),
        ("/components/3/buttons/0/text", json!("x".repeat(26)), "/components/3/buttons/0/text"),
        ("/components/3/buttons/2/url", json!("https://{{1}}.example.com"), "/components/3/buttons/2/url"),
        ("/components/3/buttons/2/url", json!("example.com"), "/components/3/buttons/2/url"),
        (
            "/components/3/buttons/2/url",
            json!(format!("https://a/{}", "x".repeat(2_000))),
            "/components/3/buttons/2/url",
        ),
        (buttons, json!([url("https://a"), url("https://b"), url("https://c")]), buttons),
        (buttons, json!([quick, url("https://a"), quick]), buttons),
        (buttons, json!(vec![quick.clone(); 11]), buttons),
        (buttons, json!([{"type": "COPY_CODE"}, {"type": "COPY_CODE"}]), buttons),
        (buttons, json!([url("https://a/{{1}}")]), "/components/3/buttons/0/example"),
    ] {
        assert_eq!(error(pointer, value.clone()).pointer, at, "{pointer}: {value}");
    }
}

#[test]
fn body_is_needed() {
    let error = error("/components", json!([{"type": "FOOTER", "text": "x"}]));
    assert_eq!((error.pointer.as_str(), error.message.as_str()), ("/components", "needs a component of type BODY"));
}

#[test]
fn codes_have_the_texts_of_meta() {
    let code = json!({"name": "code", "language": "de", "category": "authentication", "components": [
        {"type": "BODY", "add_security_recommendation": true},
        {"type": "FOOTER", "code_expiration_minutes": 10},
        {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"}]},
    ]});
    NewTemplate::parse(&code).unwrap();
}

#[test]
fn edit_has_whole_components() {
    let edit = |value: Value| TemplateEdit::parse(&value, &order_shipped());
    let body = json!([{"type": "BODY", "text": "Hi"}]);
    let parsed = edit(json!({"components": body, "category": "marketing"})).unwrap();
    let meta: Value = serde_json::from_str(&parsed.to_meta()).unwrap();
    assert_eq!(meta, json!({"components": body, "category": "MARKETING"}));
    assert_eq!(edit(json!({})).unwrap_err().pointer, "/components");
    assert_eq!(edit(json!({"components": body, "name": "b"})).unwrap_err().pointer, "/name");
}
