//! Strict reading of JSON: each value knows its pointer, and an object refuses members that were not asked for.

use std::collections::HashSet;
use std::hash::Hash;
use std::ops::RangeInclusive;

use serde_json::{Map, Number, Value};

use super::error::ContentError;

/// A value and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    value: &'a Value,
    pointer: String,
}

impl<'a> Node<'a> {
    pub(crate) const fn root(value: &'a Value) -> Self {
        Self { value, pointer: String::new() }
    }

    pub(crate) const fn value(&self) -> &'a Value {
        self.value
    }

    pub(crate) fn pointer(&self) -> &str {
        &self.pointer
    }

    pub(crate) fn invalid(&self, message: impl Into<String>) -> ContentError {
        ContentError::invalid(self.pointer.clone(), message)
    }

    pub(crate) fn object(&self) -> Result<Fields<'a>, ContentError> {
        let members = self.value.as_object().ok_or_else(|| self.invalid("expected an object"))?;
        Ok(Fields { members, pointer: self.pointer.clone(), known: Vec::new() })
    }

    pub(crate) fn string(&self) -> Result<&'a str, ContentError> {
        self.value.as_str().ok_or_else(|| self.invalid("expected a string"))
    }

    /// A text that is not blank. `max` counts Unicode scalar values, as Meta does.
    pub(crate) fn text(&self, max: usize) -> Result<String, ContentError> {
        let text = self.string()?;
        if text.trim().is_empty() {
            return Err(self.invalid("must not be empty"));
        }
        let length = text.chars().count();
        if length > max {
            return Err(self.invalid(format!("has {length} characters; at most {max} are allowed")));
        }
        Ok(text.to_owned())
    }

    /// A text without a limit of its own: the body of the request has one.
    pub(crate) fn any_text(&self) -> Result<String, ContentError> {
        self.text(usize::MAX)
    }

    /// A web address of at most 2,000 characters.
    pub(crate) fn url(&self) -> Result<String, ContentError> {
        let url = self.text(MAX_URL)?;
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let plain = rest.is_some_and(|rest| !rest.is_empty() && !url.contains(char::is_whitespace));
        if plain { Ok(url) } else { Err(self.invalid("expected an address that begins with https:// or http://")) }
    }

    /// One of several words.
    pub(crate) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, ContentError> {
        let text = self.string()?;
        words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.invalid(format!("expected {}", listed(&words)))
        })
    }

    pub(crate) fn is(&self, word: &str) -> Result<(), ContentError> {
        self.word(&[(word, ())])
    }

    pub(crate) fn boolean(&self) -> Result<bool, ContentError> {
        self.value.as_bool().ok_or_else(|| self.invalid("expected true or false"))
    }

    /// A number within a range, as it was given.
    pub(crate) fn number(&self, range: RangeInclusive<f64>) -> Result<Number, ContentError> {
        match self.value {
            Value::Number(number) if number.as_f64().is_some_and(|value| range.contains(&value)) => Ok(number.clone()),
            _ => Err(self.invalid(format!("expected a number from {} to {}", range.start(), range.end()))),
        }
    }

    /// A whole number.
    pub(crate) fn integer(&self) -> Result<i64, ContentError> {
        self.value.as_i64().ok_or_else(|| self.invalid("expected a whole number"))
    }

    /// A position, which Meta takes as a string or as a number.
    pub(crate) fn index(&self) -> Result<u16, ContentError> {
        let index = match self.value {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_u64().and_then(|index| index.try_into().ok()),
            _ => None,
        };
        index.ok_or_else(|| self.invalid("expected a position, counted from 0"))
    }

    /// The items of an array whose length is within a range.
    pub(crate) fn items(&self, count: RangeInclusive<usize>) -> Result<Vec<Self>, ContentError> {
        let items = self.value.as_array().ok_or_else(|| self.invalid("expected an array"))?;
        let (min, max) = (*count.start(), *count.end());
        if items.len() < min {
            return Err(self.invalid(format!("has {} items; at least {min} are needed", items.len())));
        }
        if items.len() > max {
            return Err(self.invalid(format!("has {} items; at most {max} are allowed", items.len())));
        }
        Ok(items
            .iter()
            .enumerate()
            .map(|(i, value)| Self { value, pointer: format!("{}/{i}", self.pointer) })
            .collect())
    }
}

/// Characters of a web address in a button.
const MAX_URL: usize = 2_000;

/// The members of an object. Each that is asked for becomes known.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    members: &'a Map<String, Value>,
    pointer: String,
    known: Vec<String>,
}

impl<'a> Fields<'a> {
    pub(crate) fn pointer_to(&self, name: &str) -> String {
        format!("{}/{}", self.pointer, name.replace('~', "~0").replace('/', "~1"))
    }

    /// A member, unless it is absent or null.
    pub(crate) fn optional(&mut self, name: &str) -> Option<Node<'a>> {
        self.known.push(name.to_owned());
        let value = self.members.get(name).filter(|value| !value.is_null())?;
        Some(Node { value, pointer: self.pointer_to(name) })
    }

    pub(crate) fn required(&mut self, name: &str) -> Result<Node<'a>, ContentError> {
        let pointer = self.pointer_to(name);
        self.optional(name).ok_or_else(|| ContentError::missing(pointer))
    }

    pub(crate) fn optional_text(&mut self, name: &str, max: usize) -> Result<Option<String>, ContentError> {
        self.optional(name).map(|node| node.text(max)).transpose()
    }

    pub(crate) fn required_text(&mut self, name: &str, max: usize) -> Result<String, ContentError> {
        self.required(name)?.text(max)
    }

    /// `false` unless given.
    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, ContentError> {
        self.optional(name).map_or(Ok(false), |node| node.boolean())
    }

    /// All members.
    pub(crate) fn all(&mut self) -> Vec<(&'a str, Node<'a>)> {
        let names: Vec<&'a str> = self.members.keys().map(String::as_str).collect();
        names.into_iter().filter_map(|name| Some((name, self.optional(name)?))).collect()
    }

    /// Refuses a member that was not asked for.
    pub(crate) fn end(self) -> Result<(), ContentError> {
        match self.members.keys().find(|name| !self.known.contains(name)) {
            Some(name) => Err(ContentError::unknown(self.pointer_to(name))),
            None => Ok(()),
        }
    }
}

/// Refuses the second of two equal values.
pub(crate) fn all_different<T: Eq + Hash>(
    values: impl IntoIterator<Item = T>,
    pointer: impl Fn(usize) -> String,
) -> Result<(), ContentError> {
    let mut seen = HashSet::new();
    match values.into_iter().position(|value| !seen.insert(value)) {
        Some(index) => Err(ContentError::invalid(pointer(index), "is given twice; each must be different")),
        None => Ok(()),
    }
}

/// `a, b or c`.
pub(crate) fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [word] => (*word).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
