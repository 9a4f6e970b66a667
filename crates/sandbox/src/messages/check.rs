//! Reads members of a request and checks their lengths.

use serde_json::{Map, Value};

use crate::graph::error::GraphError;

/// An object of the request, with the path by which errors name its members.
#[derive(Clone, Debug)]
pub(crate) struct Part<'a> {
    members: &'a Map<String, Value>,
    path: String,
}

impl<'a> Part<'a> {
    pub(crate) fn root(members: &'a Map<String, Value>) -> Self {
        Self { members, path: String::new() }
    }

    pub(crate) fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}['{name}']", self.path) }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    /// An object that must be there.
    pub(crate) fn object(&self, name: &str) -> Result<Self, GraphError> {
        self.optional_object(name)?.ok_or_else(|| GraphError::required(&self.path_of(name)))
    }

    pub(crate) fn optional_object(&self, name: &str) -> Result<Option<Self>, GraphError> {
        let path = self.path_of(name);
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(Self { members, path })),
            Some(_) => Err(GraphError::parameter(format!("Param {path} must be a JSON object."))),
        }
    }

    /// The objects of an array that must be there, with `min` to `max` of them.
    pub(crate) fn objects(&self, name: &str, min: usize, max: usize) -> Result<Vec<Self>, GraphError> {
        let path = self.path_of(name);
        let items = match self.get(name) {
            None => return Err(GraphError::required(&path)),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(GraphError::parameter(format!("Param {path} must be an array."))),
        };
        if !(min..=max).contains(&items.len()) {
            return Err(GraphError::value(format!("{path}: {} given, {min} to {max} are allowed", items.len())));
        }
        let parts = items.iter().enumerate().map(|(index, item)| match item {
            Value::Object(members) => Ok(Self { members, path: format!("{path}[{index}]") }),
            _ => Err(GraphError::parameter(format!("Param {path}[{index}] must be a JSON object."))),
        });
        parts.collect()
    }

    /// A text that must be there, of 1 to `max` characters.
    pub(crate) fn text(&self, name: &str, max: usize) -> Result<&'a str, GraphError> {
        let path = self.path_of(name);
        let text = self.optional_text(name, max)?.ok_or_else(|| GraphError::required(&path))?;
        if text.is_empty() { Err(GraphError::parameter(format!("Param {path} must not be empty."))) } else { Ok(text) }
    }

    pub(crate) fn optional_text(&self, name: &str, max: usize) -> Result<Option<&'a str>, GraphError> {
        let path = self.path_of(name);
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.chars().count() > max => {
                Err(GraphError::parameter(format!("Param {path} must be at most {max} characters long.")))
            }
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(GraphError::parameter(format!("Param {path} must be a string."))),
        }
    }

    pub(crate) fn absent(&self, name: &str, context: &str) -> Result<(), GraphError> {
        match self.get(name) {
            None => Ok(()),
            Some(_) => Err(GraphError::value(format!("{} is not allowed {context}", self.path_of(name)))),
        }
    }

    /// A number between bounds, also if it is written as a string.
    pub(crate) fn number(&self, name: &str, min: f64, max: f64) -> Result<(), GraphError> {
        let path = self.path_of(name);
        let number = match self.get(name) {
            None => return Err(GraphError::required(&path)),
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        match number {
            Some(number) if (min..=max).contains(&number) => Ok(()),
            _ => Err(GraphError::value(format!("{path} must be a number of {min} to {max}"))),
        }
    }
}
