use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::{FromRequest, HttpRequest};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use kernel::Change;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use super::body::{Body, BodyLimit, read_body};
use super::nul::{NUL_DETAIL, escape, pointer_to_nul};
use super::serde_error::{ValueError, describe_serde_error};
use crate::problem::{Code, FieldError, Problem};

const MERGE_PATCH: &str = "application/merge-patch+json";

/// A JSON body, which must be an object. Bodies refuse unknown fields, so that a typo is reported.
#[derive(Debug)]
pub(crate) struct Json<T>(T);

impl<T> Json<T> {
    pub(crate) fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        async move { read_json(&request, payload).await.map(|(body, _)| Self(body)) }.boxed_local()
    }
}

/// Reads the body; returns the value and the bytes.
///
/// # Errors
/// A [`Problem`] that says what is wrong with it.
pub(crate) async fn read_json<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: Payload,
) -> Result<(T, Body), Problem> {
    if !is_json(request) {
        return Err(Problem::new(Code::UnsupportedMediaType));
    }
    let body = read_body(request, payload, BodyLimit::for_request(request)).await?;
    Ok((parse(&body.bytes)?, body))
}

/// An optional JSON body; all its fields have defaults.
#[derive(Debug)]
pub(crate) struct MaybeJson<T>(pub(crate) T);

impl<T: DeserializeOwned + Default + 'static> FromRequest for MaybeJson<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        async move {
            let body = read_body(&request, payload, BodyLimit::for_request(&request)).await?;
            match (body.bytes.is_empty(), is_json(&request)) {
                (true, _) => Ok(Self(T::default())),
                (false, false) => Err(Problem::new(Code::UnsupportedMediaType)),
                (false, true) => parse(&body.bytes).map(Self),
            }
        }
        .boxed_local()
    }
}

/// A PATCH may also use the media type of JSON Merge Patch (RFC 7396, section 4).
fn is_json(request: &HttpRequest) -> bool {
    let media_type = actix_web::HttpMessage::content_type(request);
    media_type.eq_ignore_ascii_case("application/json")
        || (request.method() == Method::PATCH && media_type.eq_ignore_ascii_case(MERGE_PATCH))
}

/// Deserializes a member of a JSON Merge Patch, with `#[serde(default)]`: absent keeps the value, null clears it.
pub(crate) fn member<'de, T, D>(deserializer: D) -> Result<Change<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.map_or(Change::Clear, Change::Set))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    if let Some(pointer) = pointer_to_nul(body) {
        let error = FieldError::in_body(pointer, "invalid", NUL_DETAIL);
        return Err(Problem::new(Code::ValidationFailed).with_errors(vec![error]));
    }
    // serde would also accept an array and read the fields by position.
    if body.trim_ascii_start().first() != Some(&b'{') && is_json_text(body) {
        let error = FieldError::in_body("", "invalid", "expected an object");
        return Err(Problem::new(Code::ValidationFailed).with_errors(vec![error]));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = pointer(error.path());
        problem(&path, error.inner(), body)
    })?;
    // Trailing characters are an error.
    deserializer.end().map_err(|error| problem("", &error, body))?;
    Ok(value)
}

fn is_json_text(body: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

fn problem(pointer: &str, error: &serde_json::Error, body: &[u8]) -> Problem {
    match error.classify() {
        category if category == Category::Data || is_json_text(body) => {
            let ValueError { code, detail, field } = describe_serde_error(&error.to_string());
            let pointer = field.map_or_else(|| pointer.to_owned(), |field| format!("{pointer}/{}", escape(&field)));
            Problem::new(Code::ValidationFailed).with_errors(vec![FieldError::in_body(pointer, code, detail)])
        }
        _ => Problem::new(Code::MalformedJson).with_detail(format!(
            "The body is not JSON: line {}, column {}.",
            error.line(),
            error.column()
        )),
    }
}

/// RFC 6901.
fn pointer(path: &Path) -> String {
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } | Segment::Enum { variant: key } => format!("/{}", escape(key)),
            Segment::Unknown => String::new(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::test::TestRequest;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        name: String,
        #[serde(default)]
        tags: Vec<Tag>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Tag {
        #[serde(rename = "a/b")]
        weight: u8,
        #[serde(default)]
        kind: Kind,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    enum Kind {
        #[default]
        Open,
    }

    async fn extract(media_type: &str, body: &str) -> Result<Body, Problem> {
        let request = TestRequest::post().insert_header(("content-type", media_type)).app_data(BodyLimit(64));
        let (request, mut payload) = request.set_payload(body.to_owned()).to_http_parts();
        Json::<Body>::from_request(&request, &mut payload).await.map(Json::into_inner)
    }

    async fn field_error(body: &str) -> (String, String) {
        let problem = extract("application/json", body).await.unwrap_err().to_json(None);
        assert_eq!(problem["status"], json!(422), "{body}");
        let text = |key: &str| problem["errors"][0][key].as_str().unwrap().to_owned();
        (text("pointer"), text("code"))
    }

    #[actix_web::test]
    async fn body_is_parsed() {
        let body = extract("application/json; charset=utf-8", r#"{"name":"a","tags":[{"a/b":1}]}"#).await.unwrap();
        assert_eq!((body.name.as_str(), body.tags[0].weight, &body.tags[0].kind), ("a", 1, &Kind::Open));
    }

    #[actix_web::test]
    async fn error_has_the_pointer_of_the_invalid_value() {
        let rows = [
            (r#"{"name":7}"#, "/name", "invalid"),
            (r"{}", "/name", "missing"),
            (r#"{"name":"a","nmae":"b"}"#, "/nmae", "unknown"),
            (r#"{"name":"a","name":"b"}"#, "/name", "duplicate"),
            (r#"{"name":"a","tags":[{"a/b":1},{"a/b":300}]}"#, "/tags/1/a~1b", "invalid"),
            (r#"{"name":"a","tags":[{"a/b":1,"kind":7}]}"#, "/tags/0/kind", "invalid"),
            (r#"{"name":"a","tags":[{}]}"#, "/tags/0/a~1b", "missing"),
            ("[]", "", "invalid"),
        ];
        for (body, pointer, code) in rows {
            assert_eq!(field_error(body).await, (pointer.to_owned(), code.to_owned()), "{body}");
        }
    }

    #[actix_web::test]
    async fn patch_distinguishes_absent_from_null() {
        #[derive(Debug, Deserialize, PartialEq)]
        #[serde(deny_unknown_fields)]
        struct Patch {
            #[serde(default, deserialize_with = "member")]
            name: Change<String>,
        }

        async fn patch(method: Method, media_type: &str, body: &'static str) -> Result<Patch, Problem> {
            let request = TestRequest::default().method(method).insert_header(("content-type", media_type));
            let (request, mut payload) = request.set_payload(body).to_http_parts();
            Json::from_request(&request, &mut payload).await.map(Json::into_inner)
        }

        for (body, change) in [
            ("{}", Change::Keep),
            (r#"{"name":null}"#, Change::Clear),
            (r#"{"name":"a"}"#, Change::Set("a".to_owned())),
        ] {
            for media_type in ["application/json", MERGE_PATCH] {
                assert_eq!(patch(Method::PATCH, media_type, body).await.unwrap().name, change, "{body}");
            }
        }
        for body in [r#"{"name":7}"#, r#"{"nmae":"a"}"#, "[]", r#"["a"]"#, "null"] {
            assert_eq!(patch(Method::PATCH, MERGE_PATCH, body).await.unwrap_err().code(), Code::ValidationFailed);
        }
        let elsewhere = patch(Method::POST, MERGE_PATCH, "{}").await.unwrap_err();
        assert_eq!(elsewhere.code(), Code::UnsupportedMediaType);
    }

    #[actix_web::test]
    async fn error_does_not_repeat_the_value() {
        let problem = extract("application/json", r#"{"name":["hunter2"]}"#).await.unwrap_err().to_json(None);
        assert_eq!(problem["errors"][0]["detail"], json!("expected a string"));
    }

    #[actix_web::test]
    async fn body_that_is_not_json_is_refused() {
        for body in ["", "{", "nonsense", r#"{"name":"a"} x"#, "{\"name\":\"\u{1}\"}"] {
            assert_eq!(extract("application/json", body).await.unwrap_err().code(), Code::MalformedJson, "{body}");
        }
        for media_type in ["text/plain", "", "application/jsonp"] {
            let problem = extract(media_type, r#"{"name":"a"}"#).await.unwrap_err();
            assert_eq!(problem.code().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{media_type}");
        }
        let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(64));
        assert_eq!(extract("application/json", &long).await.unwrap_err().code(), Code::BodyTooLarge);
    }
}
