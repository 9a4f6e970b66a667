//! `parley openapi`.

use std::io::{self, Write as _};

use http_api::openapi_json;

/// Prints the OpenAPI document.
pub(super) fn run() -> io::Result<()> {
    io::stdout().write_all(openapi_json().as_bytes())
}
