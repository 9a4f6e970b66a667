//! The body of a request.

use serde_json::{Map, Value};

use super::error::GraphError;

/// The body as an object; an empty body is an empty object.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, GraphError> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(body).map_err(|_| GraphError::parameter("The request's body must be a JSON object."))
}
