use actix_web::http::header::{CONTENT_TYPE, HeaderMap};

/// Lines of JSON: the export of the audit log.
const LINES: &str = "application/x-ndjson";

pub(super) fn is_json(headers: &HeaderMap) -> bool {
    is(headers, "application/json")
}

pub(super) fn is_json_or_lines(headers: &HeaderMap) -> bool {
    is_json(headers) || is(headers, LINES)
}

fn is(headers: &HeaderMap, media_type: &str) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.split(';').next()).is_some_and(|it| it.trim().eq_ignore_ascii_case(media_type))
}
