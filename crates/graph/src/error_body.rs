use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;
use whatsapp::GraphError;

/// Characters of a text that are kept: the texts are stored and shown.
const MAX_CHARACTERS: usize = 1_000;
/// Limits of a business; its `estimated_time_to_regain_access` is in minutes.
const BUSINESS_USAGE: &str = "x-business-use-case-usage";

/// The error of an answer: `{"error": {"code": ..}}`. `None` for a body of another form.
pub(crate) fn read_error(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<GraphError> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let error = body.get("error")?;
    let text = |value: Option<&Value>| {
        let text = value.and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        text.map(|text| text.chars().take(MAX_CHARACTERS).collect::<String>())
    };
    let data = error.get("error_data");
    Some(GraphError {
        http_status: Some(status.as_u16()),
        code: Some(integer(error.get("code"))?),
        subcode: integer(error.get("error_subcode")),
        title: text(error.get("message")).or_else(|| text(error.get("error_user_title"))).unwrap_or_default(),
        details: text(data.and_then(|data| data.get("details"))).or_else(|| text(data)),
        user_message: text(error.get("error_user_msg")),
        trace_id: text(error.get("fbtrace_id")).or_else(|| trace_header(headers)),
        retry_after: retry_after(headers).or_else(|| time_to_regain_access(headers)),
    })
}

fn integer(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::String(text) => text.parse().ok(),
        value => value.as_i64(),
    }
}

fn trace_header(headers: &HeaderMap) -> Option<String> {
    headers.get("x-fb-trace-id")?.to_str().ok().map(str::to_owned)
}

/// In seconds; Meta does not use the form with a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// The longest of all businesses and uses: `{"<id>": [{"estimated_time_to_regain_access": 3}]}`. Zero says that there is no limit.
fn time_to_regain_access(headers: &HeaderMap) -> Option<Duration> {
    let usage: Value = serde_json::from_str(headers.get(BUSINESS_USAGE)?.to_str().ok()?).ok()?;
    let uses = usage.as_object()?.values().filter_map(Value::as_array).flatten();
    let minutes = uses.filter_map(|usage| usage.get("estimated_time_to_regain_access")?.as_u64()).max()?;
    minutes.checked_mul(60).filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn read(body: &str, headers: &[(&'static str, &'static str)]) -> Option<GraphError> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        read_error(StatusCode::BAD_REQUEST, &headers.collect(), body.as_bytes())
    }

    #[test]
    fn every_field_of_an_error_is_read() {
        let body = r#"{"error": {"message": "(#132000) Wrong count", "type": "OAuthException", "code": 132000,
            "error_subcode": 2494073, "error_data": {"messaging_product": "whatsapp", "details": "2 expected, 1 given"},
            "error_user_title": "Title", "error_user_msg": "Please fill all", "fbtrace_id": "AbC"}}"#;
        let expected = GraphError {
            http_status: Some(400),
            code: Some(132_000),
            subcode: Some(2_494_073),
            title: "(#132000) Wrong count".to_owned(),
            details: Some("2 expected, 1 given".to_owned()),
            user_message: Some("Please fill all".to_owned()),
            trace_id: Some("AbC".to_owned()),
            retry_after: None,
        };
        assert_eq!(read(body, &[]), Some(expected));
    }

    #[test]
    fn details_may_be_a_text() {
        let error = read(r#"{"error": {"code": 100, "error_data": "name: taken"}}"#, &[]).unwrap();
        assert_eq!(error.details.as_deref(), Some("name: taken"));
    }

    #[test]
    fn long_text_is_cut() {
        let error = read(&format!(r#"{{"error": {{"code": 100, "message": "{}"}}}}"#, "ä".repeat(2_000)), &[]);
        assert_eq!(error.unwrap().title, "ä".repeat(MAX_CHARACTERS));
    }

    #[test]
    fn waiting_time_is_read_from_either_header() {
        let wait = |headers: &[_]| read(r#"{"error": {"code": 80007}}"#, headers).unwrap().retry_after;
        let usage = ("x-business-use-case-usage", r#"{"1": [{"estimated_time_to_regain_access": 2}], "2": [{}]}"#);
        let idle = ("x-business-use-case-usage", r#"{"1": [{"estimated_time_to_regain_access": 0}]}"#);
        assert_eq!(wait(&[usage]), Some(Duration::from_mins(2)));
        assert_eq!(wait(&[usage, ("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(wait(&[idle]), None);
        assert_eq!(wait(&[("retry-after", "soon"), ("x-business-use-case-usage", "none")]), None);
        let endless = r#"{"1": [{"estimated_time_to_regain_access": 18446744073709551615}]}"#;
        assert_eq!(wait(&[("x-business-use-case-usage", endless)]), None);
    }

    #[test]
    fn body_of_another_form_is_no_error() {
        for body in ["", "<html>", "[]", "{}", r#"{"error": "no"}"#, r#"{"error": {"message": "no code"}}"#] {
            assert_eq!(read(body, &[]), None, "{body}");
        }
    }
}
