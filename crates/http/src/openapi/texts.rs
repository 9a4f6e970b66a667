//! Rules for texts of requests. A field names its rule as its `format`; the document then shows the pattern and the lengths
//! instead. The types of the domains enforce them: a property-based client compares both (`.ci/schemathesis`).

use serde_json::{Map, Value, json};

/// A rule: the `format` that names it, its pattern (ECMA-262), and the bounds of its length in characters.
struct Rule {
    format: &'static str,
    pattern: &'static str,
    min: usize,
    max: usize,
}

/// The formats that the document keeps, of which forms of clients know how to show them: rule and format.
const SHOWN: [(&str, &str); 6] = [
    ("email", "email"),
    ("new-password", "password"),
    ("app-secret", "password"),
    ("verify-token", "password"),
    ("access-token", "password"),
    ("pin", "password"),
];

const NO_NUL: &str = r"^[^\u0000]*$";
const LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
/// Not only white space.
const FILLED_LINE: &str =
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";

const RULES: [Rule; 20] = [
    rule("name", FILLED_LINE, 1, 120),
    rule("key-name", FILLED_LINE, 1, 100),
    // Networks of IPv6 are accepted, too.
    rule(
        "network",
        r"^((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(/(3[0-2]|[12]?[0-9]))?$",
        7,
        43,
    ),
    rule("contact-name", FILLED_LINE, 1, 200),
    rule("person-name", LINE, 0, 120),
    // Other letters are accepted, too, and longer parts; these are the addresses that every mail server knows.
    rule(
        "email",
        r"^[A-Za-z0-9_+-]{1,30}(\.[A-Za-z0-9_+-]{1,30})?@([a-z0-9]{1,30}(-[a-z0-9]{1,30})?\.){1,3}[a-z]{2,30}$",
        5,
        254,
    ),
    rule("reason", NO_NUL, 1, 500),
    rule("new-password", NO_NUL, 8, 256),
    rule("slug", "^[a-z0-9]+(-[a-z0-9]+)*$", 3, 63),
    rule("tenant-reference", "^[a-z0-9]+(-[a-z0-9]+)*$", 3, 63),
    rule("role-key", "^[a-z][a-z0-9_-]*$", 1, 50),
    rule("plan-code", "^[a-z0-9_-]+$", 1, 40),
    rule("meta-id", "^[0-9]+$", 1, 64),
    rule("app-key", "^[0-9a-f]{40}$", 40, 40),
    rule("app-secret", "^[!-~]+$", 1, 256),
    rule("access-token", "^[!-~]+$", 1, 2_048),
    rule("pin", "^[0-9]{6}$", 6, 6),
    rule("language", "^[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?$", 2, 35),
    rule(
        "verify-token",
        r"^[^\s\u0000-\u001f\u007f-\u009f]([^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f])?$",
        1,
        256,
    ),
    rule(
        "note",
        r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$",
        1,
        4_000,
    ),
];

const fn rule(format: &'static str, pattern: &'static str, min: usize, max: usize) -> Rule {
    Rule { format, pattern, min, max }
}

/// Writes out the rules of all texts in the document.
pub(super) fn write_out(document: &mut Value) {
    match document {
        Value::Object(object) => {
            write_out_schema(object);
            object.get_mut("parameters").into_iter().for_each(exclude_nul);
            object.values_mut().for_each(write_out);
        }
        Value::Array(values) => values.iter_mut().for_each(write_out),
        _ => {}
    }
}

fn write_out_schema(schema: &mut Map<String, Value>) {
    let named = schema.get("format").and_then(Value::as_str);
    let Some(rule) = named.and_then(|format| RULES.iter().find(|rule| rule.format == format)) else { return };
    match SHOWN.iter().find(|(format, _)| *format == rule.format) {
        Some((_, shown)) => schema.insert("format".to_owned(), json!(shown)),
        None => schema.remove("format"),
    };
    schema.insert("pattern".to_owned(), json!(rule.pattern));
    schema.insert("minLength".to_owned(), json!(rule.min));
    schema.insert("maxLength".to_owned(), json!(rule.max));
}

/// No text of a query, a path or a header contains U+0000.
fn exclude_nul(parameters: &mut Value) {
    let schemas = parameters.as_array_mut().into_iter().flatten().filter_map(|parameter| parameter.get_mut("schema"));
    for schema in schemas.filter_map(Value::as_object_mut) {
        let is_text = schema.get("type").is_some_and(|kind| *kind == "string" || *kind == json!(["string", "null"]));
        if is_text && !["pattern", "format", "enum"].iter().any(|rule| schema.contains_key(*rule)) {
            schema.insert("pattern".to_owned(), json!(NO_NUL));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_replaces_the_format_that_names_it() {
        let mut document = json!({"a": [{"type": "string", "format": "slug", "example": "x"}, {"format": "uuid"}]});
        write_out(&mut document);
        let slug = json!({
            "type": "string", "example": "x", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "minLength": 3, "maxLength": 63,
        });
        assert_eq!(document, json!({"a": [slug, {"format": "uuid"}]}));
    }
}
