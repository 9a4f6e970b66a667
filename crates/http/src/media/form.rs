//! The form of an upload: exactly one field, `file`. Its bytes go to the store while they arrive.

use std::time::Duration;

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::Payload;
use futures_util::TryStreamExt as _;
use kernel::{MediaKind, TenantScope};
use media::{Checked, FileCheck, MediaFailure, ObjectWriter};
use tokio::time::timeout;

use super::file_name::harmless;
use super::store_error::store_away;
use crate::limits::ReservedBytes;
use crate::problem::{Code, FieldError, Problem};
use crate::state::State;

/// What an upload holds in memory: a part for the store, and the next one.
const MEMORY: usize = 6 * 1_024 * 1_024;
/// Between two pieces of the body.
const MAX_SILENCE: Duration = Duration::from_secs(30);
/// What a form has beside its file.
const FORM_BYTES: u64 = 64 * 1_024;
/// What browsers record.
const WEBM: [&str; 2] = ["audio/webm", "video/webm"];

/// A file that has arrived. It cannot be read yet.
pub(super) struct ArrivedFile {
    pub(super) writer: Box<dyn ObjectWriter>,
    pub(super) checked: Checked,
    pub(super) filename: Option<String>,
    _reserved: ReservedBytes,
}

/// Reads the form.
///
/// # Errors
/// 400, 408, 413, 415, 422 for what is wrong with it; 503 if the store is away, or too many uploads are under way.
pub(super) async fn read(
    state: &State,
    scope: &TenantScope,
    request: &HttpRequest,
    payload: Payload,
) -> Result<ArrivedFile, Problem> {
    let max = state.max_upload_bytes;
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > max.saturating_add(FORM_BYTES)) {
        return Err(too_large(max));
    }
    let mut reserved = state.limits.bodies.reservation();
    reserved.grow_to(MEMORY).map_err(|error| {
        let detail = "Too many files are being uploaded; retry later.";
        Problem::unavailable(Code::TemporarilyUnavailable).with_detail(detail).caused_by(error)
    })?;
    let mut form = Multipart::new(request.headers(), payload);
    let field = next_field(&mut form).await?.ok_or_else(|| invalid("missing", "is missing"))?;
    if field.name() != Some("file") {
        return Err(unknown(&field));
    }
    let filename = field.content_disposition().and_then(|given| given.get_filename()).and_then(harmless);
    let (writer, checked) = store(state, scope, field, announced, max).await?;
    let rest = match next_field(&mut form).await {
        Ok(None) => None,
        Ok(Some(field)) if field.name() == Some("file") => {
            Some(invalid("invalid", "is given twice; one file is wanted"))
        }
        Ok(Some(field)) => Some(unknown(&field)),
        Err(problem) => Some(problem),
    };
    if let Some(problem) = rest {
        writer.abort().await;
        return Err(problem);
    }
    Ok(ArrivedFile { writer, checked, filename, _reserved: reserved })
}

async fn next_field(form: &mut Multipart) -> Result<Option<Field>, Problem> {
    timed(form.try_next()).await?.map_err(|error| malformed(&error))
}

async fn timed<T>(future: impl Future<Output = T>) -> Result<T, Problem> {
    timeout(MAX_SILENCE, future).await.map_err(|_| Problem::new(Code::RequestTimeout))
}

/// Copies the bytes into the store, and checks them. What is refused is discarded.
async fn store(
    state: &State,
    scope: &TenantScope,
    mut field: Field,
    announced: Option<u64>,
    max: u64,
) -> Result<(Box<dyn ObjectWriter>, Checked), Problem> {
    let declared = field.content_type().map(ToString::to_string);
    let mut writer = state.object_store.begin(scope.tenant(), announced).await.map_err(store_away)?;
    let mut check = FileCheck::begin(max, None, None).map_err(|_| too_large(max))?;
    let refusal = loop {
        match timed(field.try_next()).await {
            Ok(Ok(Some(bytes))) => {
                if check.update(&bytes).is_err() {
                    break too_large(max);
                }
                if let Err(error) = writer.write(bytes).await {
                    break store_away(error);
                }
            }
            Ok(Ok(None)) => match finish(check, declared.as_deref()) {
                Ok(checked) => return Ok((writer, checked)),
                Err(problem) => break problem,
            },
            Ok(Err(error)) => break malformed(&error),
            Err(problem) => break problem,
        }
    };
    writer.abort().await;
    Err(refusal)
}

/// Any type may be uploaded, as a document may be anything. What kind of message it can be is checked when it is sent.
fn finish(check: FileCheck, declared: Option<&str>) -> Result<Checked, Problem> {
    if check.size() == 0 {
        return Err(invalid("invalid", "is empty"));
    }
    let checked = check.finish(MediaKind::Document, declared).map_err(|failure: MediaFailure| {
        Problem::new(Code::UnsupportedMediaType).with_detail(format!("The file cannot be used: {}.", failure.words()))
    })?;
    // Also if only its name says so.
    let named = declared.and_then(|declared| declared.split(';').next()).map(str::trim);
    if WEBM.contains(&checked.mime_type.as_str()) || named.is_some_and(|named| WEBM.contains(&named)) {
        let detail = "WhatsApp takes no WebM, which browsers record; record a voice message as audio/ogg with Opus or as audio/mp4, \
                      and a video as video/mp4.";
        return Err(Problem::new(Code::UnsupportedMediaType).with_detail(detail));
    }
    Ok(checked)
}

fn too_large(max: u64) -> Problem {
    Problem::new(Code::BodyTooLarge).with_detail(format!("The file may have at most {max} bytes."))
}

fn invalid(code: &'static str, what: &str) -> Problem {
    Problem::new(Code::ValidationFailed).with_errors(vec![FieldError::in_body("/file", code, what)])
}

fn unknown(field: &Field) -> Problem {
    let name: String = field.name().unwrap_or_default().chars().take(50).collect();
    let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
    let what = "is not known; the form has one field, file";
    Problem::new(Code::ValidationFailed).with_errors(vec![FieldError::in_body(pointer, "unknown", what)])
}

fn malformed(error: &MultipartError) -> Problem {
    let code = match error {
        MultipartError::ContentTypeMissing
        | MultipartError::ContentTypeParse
        | MultipartError::ContentTypeIncompatible => Code::UnsupportedMediaType,
        MultipartError::Incomplete | MultipartError::Payload(_) => Code::IncompleteBody,
        _ => Code::BadRequest,
    };
    let problem = Problem::new(code);
    let problem = match code {
        Code::UnsupportedMediaType => problem.with_detail("The body must be multipart/form-data with one field, file."),
        Code::BadRequest => problem.with_detail("The form cannot be read."),
        _ => problem,
    };
    problem.caused_by(error.to_string())
}
