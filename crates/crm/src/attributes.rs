use serde_json::{Map, Value};

/// Custom fields that a tenant keeps on a contact: a JSON object of bounded size and depth.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Map<String, Value>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAttributes {
    #[error("must have at most {} bytes as JSON", Attributes::MAX_BYTES)]
    TooBig,
    #[error("must be at most {} levels deep", Attributes::MAX_DEPTH)]
    TooDeep,
    #[error("each name must have 1 to {} characters", Attributes::MAX_NAME)]
    Name,
    /// Postgres cannot store it in `jsonb`.
    #[error("must not contain the character U+0000")]
    Nul,
}

impl Attributes {
    pub const MAX_BYTES: usize = 16 * 1024;
    /// The object itself is the first level.
    pub const MAX_DEPTH: usize = 5;
    /// Of a name, in characters.
    pub const MAX_NAME: usize = 100;

    /// # Errors
    /// [`InvalidAttributes`].
    pub fn new(members: Map<String, Value>) -> Result<Self, InvalidAttributes> {
        check_object(&members, 1)?;
        if fits(&members) { Ok(Self(members)) } else { Err(InvalidAttributes::TooBig) }
    }

    /// The attributes of a contact into which another is merged: its own, and those of the other whose names it lacks.
    ///
    /// # Errors
    /// [`InvalidAttributes::TooBig`] if the other adds some, and the result exceeds the limit.
    pub fn merged(
        own: &Map<String, Value>,
        other: &Map<String, Value>,
    ) -> Result<Map<String, Value>, InvalidAttributes> {
        let mut merged = other.clone();
        merged.extend(own.clone());
        if merged == *own || fits(&merged) { Ok(merged) } else { Err(InvalidAttributes::TooBig) }
    }

    /// The text of the note that keeps a merged contact's attributes if they do not fit.
    #[must_use]
    pub fn note_of_left_out(attributes: &Map<String, Value>) -> String {
        format!("Attributes of a merged contact, which did not fit: {}", json_of(attributes))
    }

    #[must_use]
    pub fn into_inner(self) -> Map<String, Value> {
        self.0
    }
}

fn fits(members: &Map<String, Value>) -> bool {
    json_of(members).len() <= Attributes::MAX_BYTES
}

fn json_of(members: &Map<String, Value>) -> String {
    serde_json::to_string(members).unwrap_or_default()
}

fn check_object(members: &Map<String, Value>, depth: usize) -> Result<(), InvalidAttributes> {
    if depth > Attributes::MAX_DEPTH {
        return Err(InvalidAttributes::TooDeep);
    }
    for (name, value) in members {
        if !(1..=Attributes::MAX_NAME).contains(&name.chars().count()) {
            return Err(InvalidAttributes::Name);
        }
        check_text(name)?;
        check(value, depth)?;
    }
    Ok(())
}

fn check(value: &Value, depth: usize) -> Result<(), InvalidAttributes> {
    match value {
        Value::Object(members) => check_object(members, depth + 1),
        Value::Array(_) if depth == Attributes::MAX_DEPTH => Err(InvalidAttributes::TooDeep),
        Value::Array(values) => values.iter().try_for_each(|value| check(value, depth + 1)),
        Value::String(text) => check_text(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn check_text(text: &str) -> Result<(), InvalidAttributes> {
    if text.contains('\0') { Err(InvalidAttributes::Nul) } else { Ok(()) }
}

/// Applies a JSON Merge Patch (RFC 7396, section 2) to an object.
pub(crate) fn merge_patch(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, change) in patch {
        match change {
            Value::Null => {
                target.remove(&name);
            }
            Value::Object(members) => {
                let mut value = match target.remove(&name) {
                    Some(Value::Object(value)) => value,
                    _ => Map::new(),
                };
                merge_patch(&mut value, members);
                target.insert(name, Value::Object(value));
            }
            value => {
                target.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        if let Value::Object(members) = value { members } else { panic!("{value} is no object") }
    }

    #[test]
    fn merge_patch_follows_rfc_7396_appendix_a() {
        // The examples of appendix A in which both sides are objects.
        for (target, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            let mut patched = object(target.clone());
            merge_patch(&mut patched, object(patch.clone()));
            assert_eq!(Value::Object(patched), result, "{target} {patch}");
        }
    }

    #[test]
    fn merged_attributes_keep_own_values_within_the_limit() {
        let merged = |own: Value, other: Value| Attributes::merged(&object(own), &object(other)).map(Value::Object);
        let both = merged(json!({"a": 1, "b": {"c": 1}}), json!({"a": 2, "b": {"d": 2}, "e": 3}));
        assert_eq!(both, Ok(json!({"a": 1, "b": {"c": 1}, "e": 3})));
        let (half, whole) = ("x".repeat(8 * 1024 - 8), "x".repeat(16 * 1024 - 8));
        assert!(merged(json!({"a": half}), json!({"b": half})).is_ok());
        assert_eq!(merged(json!({"a": half}), json!({"bcd": half})), Err(InvalidAttributes::TooBig));
        assert!(merged(json!({"a": whole}), json!({"a": half})).is_ok());
        // Of an earlier release.
        let large = json!({"a": whole, "b": 1});
        assert_eq!(merged(large.clone(), json!({"b": 2})), Ok(large.clone()));
        assert_eq!(merged(large, json!({"c": 2})), Err(InvalidAttributes::TooBig));
    }

    #[test]
    fn attributes_over_a_limit_are_rejected() {
        let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({"a": inner}));
        let listed = |levels: usize| (2..levels).fold(json!([]), |inner, _| json!([inner]));
        let long = |characters: usize| "é".repeat(characters);
        for (value, outcome) in [
            (nested(5), Ok(())),
            (nested(6), Err(InvalidAttributes::TooDeep)),
            (json!({"a": listed(5)}), Ok(())),
            (json!({"a": listed(6)}), Err(InvalidAttributes::TooDeep)),
            (json!({long(100): 1}), Ok(())),
            (json!({long(101): 1}), Err(InvalidAttributes::Name)),
            (json!({"": 1}), Err(InvalidAttributes::Name)),
            (json!({"a": {"b": ["x\0y"]}}), Err(InvalidAttributes::Nul)),
            (json!({"a\0": 1}), Err(InvalidAttributes::Nul)),
            (json!({"a": "x".repeat(16 * 1024 - 8)}), Ok(())),
            (json!({"a": "x".repeat(16 * 1024 - 7)}), Err(InvalidAttributes::TooBig)),
        ] {
            assert_eq!(Attributes::new(object(value)).map(|_| ()), outcome);
        }
    }
}
