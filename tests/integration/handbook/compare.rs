//! Compares what a page shows with what the server answers.

use serde_json::Value;

/// What differs between a shown JSON and the answered one, which may have more members: values are equal, except that ids and
/// times have to be of the same form, and `...` stands for any text.
pub(super) fn differences(shown: &Value, answered: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    compare(shown, answered, "", &mut differences);
    differences.sort();
    differences
}

fn compare(shown: &Value, answered: &Value, at: &str, differences: &mut Vec<String>) {
    match (shown, answered) {
        (Value::Object(shown), Value::Object(answered)) => {
            for (member, shown) in shown {
                let at = format!("{at}/{member}");
                match answered.get(member) {
                    Some(answered) => compare(shown, answered, &at, differences),
                    None => differences.push(format!("{at} is missing")),
                }
            }
        }
        (Value::Array(shown), Value::Array(answered)) if shown.len() == answered.len() => {
            for (index, (shown, answered)) in shown.iter().zip(answered).enumerate() {
                compare(shown, answered, &format!("{at}/{index}"), differences);
            }
        }
        (Value::String(shown), Value::String(answered)) if alike(shown, answered) => {}
        _ if shown == answered => {}
        _ => differences.push(format!("{at} is {answered}, not {shown}")),
    }
}

/// Whether a text is as shown, with `...` for any text, or an id or a time like the one shown.
pub(super) fn alike(shown: &str, answered: &str) -> bool {
    let is_id = |text: &str| text.parse::<uuid::Uuid>().is_ok();
    let is_time = |text: &str| text.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(text).is_ok();
    (is_id(shown) && is_id(answered)) || (is_time(shown) && is_time(answered)) || fits(shown, answered)
}

fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once("...") else { return pattern == text };
    let Some(text) = text.strip_prefix(start) else { return false };
    rest.is_empty() || text.char_indices().any(|(at, _)| fits(rest, &text[at..]))
}

#[test]
fn differences_are_found_and_variable_parts_ignored() {
    let shown = serde_json::json!({
        "id": "0190b5a2-7e2f-7000-8000-000000000000", "at": "2026-11-24T20:44:50Z", "token": "rt1_...", "name": "Ada",
        "list": [1, {"a": null}],
    });
    let mut answered = serde_json::json!({
        "id": "01a20a27-8169-700a-9da0-13890ce77fa7", "at": "2027-01-01T00:00:00.123Z", "token": "rt1_x", "name": "Ada",
        "list": [1, {"a": null}], "more": true,
    });
    assert_eq!(differences(&shown, &answered), [""; 0]);
    answered["name"] = "Grace".into();
    answered["list"][1]["a"] = 7.into();
    answered["id"] = "x".into();
    answered.as_object_mut().unwrap().remove("at");
    let expected = [
        "/at is missing",
        "/id is \"x\", not \"0190b5a2-7e2f-7000-8000-000000000000\"",
        "/list/1/a is 7, not null",
        "/name is \"Grace\", not \"Ada\"",
    ];
    assert_eq!(differences(&shown, &answered), expected);
    assert!(fits("a ... c", "a b b c") && !fits("a ... c", "a b d") && fits("...", ""));
}
