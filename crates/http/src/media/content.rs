use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    EntityTag, Header as _, HeaderName, HeaderValue, IF_RANGE, IfNoneMatch, LOCATION, RANGE,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use futures_util::stream;
use kernel::ids::MediaId;
use kernel::{CrmRead, Grant as _};
use media::{ByteSource, FileType, ObjectKey, SignedHeaders};
use tracing::error;
use utoipa::ToSchema;

use super::content_range::{WantedRange, wanted};
use super::file_name::disposition;
use super::read::stored;
use super::store_error::{object_missing, store_away};
use crate::auth::Allow;
use crate::extract::PathId;
use crate::limits::ReservedBytes;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// How long an address of the store is valid.
const ADDRESS_LIFE: Duration = Duration::from_mins(5);
/// What a download holds in memory.
const MEMORY: usize = 256 * 1_024;
/// A file that is opened as a page does nothing: it runs no script, and loads nothing from elsewhere.
const POLICY: &str = "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'";
/// Each request needs the right; the bytes of an id never change.
const CACHING: &str = "private, no-cache";
/// Beside what is shown inline, this type is named: it runs nothing, and programs need it.
const PDF: &str = "application/pdf";
const UNKNOWN: &str = "application/octet-stream";

/// The bytes of a file.
#[derive(ToSchema)]
#[schema(as = FileBytes, value_type = String, format = Binary)]
#[expect(dead_code, reason = "for the document; bytes are streamed")]
pub(crate) struct FileBytes(Vec<u8>);

/// Download a file
///
/// The bytes, whole or one range of them. Images, audio and video that were recognised by their bytes come with their type and can be
/// shown; all else is an attachment. Where the store serves files itself, the answer is a redirect to an address that is valid for five
/// minutes.
#[utoipa::path(
    get,
    path = "/crm/media/{id}/content",
    operation_id = "downloadMedia",
    tag = tags::CRM,
    security(("bearer" = [CrmRead::PERMISSION])),
    params(
        ("id" = Uuid, Path, description = "The file's id"),
        ("Range" = Option<String>, Header, description = "One range of bytes, such as bytes=0-1023"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of a copy that the client has")
    ),
    responses(
        (status = 200, description = "The file, with the type that its bytes show", content_type = "*/*", body = FileBytes),
        (status = 206, description = "A part of the file", content_type = "*/*", body = FileBytes),
        (status = 302, description = "The store serves the file at the address in `Location`"),
        (status = 304, description = "The client's copy is current"),
    ),
    extensions(("x-problems" = json!([Code::NotFound, Code::MediaNotStored, Code::RangeNotSatisfiable]))),
)]
pub(crate) async fn content(
    allow: Allow<CrmRead>,
    state: web::Data<State>,
    PathId(id): PathId<MediaId>,
    http: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let tenant = allow.scope().tenant();
    let (media, bytes) = stored(allow, &state, id).await?;
    let key = ObjectKey::whole(tenant, bytes.sha256);
    let mime_type = media.mime_type.as_deref().unwrap_or(UNKNOWN);
    let is_inline = FileType::is_inline(mime_type);
    let headers = SignedHeaders {
        content_type: if is_inline || mime_type == PDF { mime_type.to_owned() } else { UNKNOWN.to_owned() },
        content_disposition: disposition(is_inline, media.filename.as_deref()),
    };
    let tag = EntityTag::new_strong(bytes.sha256.to_string());
    if is_known(&http, &tag) {
        return not_modified(&tag);
    }
    if http.method() == Method::GET
        && let Some(address) = state.object_store.sign(&key, ADDRESS_LIFE, &headers).await.map_err(store_away)?
    {
        let mut redirect = HttpResponse::Found();
        redirect.insert_header((LOCATION, address)).insert_header((CACHE_CONTROL, "no-store"));
        return Ok(redirect.finish());
    }
    send(&state, &http, &Sent { key, size: bytes.size, tag, headers }).await
}

/// What is sent of the store.
pub(super) struct Sent {
    pub(super) key: ObjectKey,
    pub(super) size: u64,
    pub(super) tag: EntityTag,
    pub(super) headers: SignedHeaders,
}

/// Whether the client has it already.
pub(super) fn is_known(http: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(http) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}

pub(super) fn not_modified(tag: &EntityTag) -> Result<HttpResponse, Problem> {
    let mut response = HttpResponse::NotModified();
    response.insert_header((CACHE_CONTROL, CACHING)).insert_header((ETAG, value(&tag.to_string())?));
    Ok(response.finish())
}

/// Streams the object, or the range of it that is wanted.
pub(super) async fn send(state: &State, http: &HttpRequest, sent: &Sent) -> Result<HttpResponse, Problem> {
    let size = sent.size;
    let (mut response, range) = match range(http, sent) {
        WantedRange::Whole => (HttpResponse::Ok(), 0..size),
        WantedRange::Part(first, end) => {
            let mut response = HttpResponse::PartialContent();
            response.insert_header((CONTENT_RANGE, format!("bytes {first}-{}/{size}", end - 1)));
            (response, first..end)
        }
        WantedRange::Unsatisfiable => {
            let range = value(&format!("bytes */{size}"))?;
            return Err(Problem::new(Code::RangeNotSatisfiable).with_header(CONTENT_RANGE, range));
        }
    };
    describe(&mut response, sent)?;
    let length = range.end - range.start;
    response.no_chunking(length);
    if http.method() == Method::HEAD || length == 0 {
        return Ok(response.streaming(stream::empty::<Result<Bytes, actix_web::Error>>()));
    }
    let reserved = state.limits.reserve_response(MEMORY)?;
    let part = (length < size).then_some(range);
    let found = state.object_store.read(&sent.key, part).await.map_err(store_away)?;
    let source = found.ok_or_else(object_missing)?;
    Ok(response.streaming(pieces(source, reserved)))
}

/// `If-Range` makes a range count only for the same bytes.
fn range(http: &HttpRequest, sent: &Sent) -> WantedRange {
    let header = |name: HeaderName| http.headers().get(name).and_then(|value| value.to_str().ok());
    if header(IF_RANGE).is_some_and(|known| known.trim() != sent.tag.to_string()) {
        return WantedRange::Whole;
    }
    wanted(header(RANGE), sent.size)
}

fn describe(response: &mut HttpResponseBuilder, sent: &Sent) -> Result<(), Problem> {
    let SignedHeaders { content_type, content_disposition } = &sent.headers;
    response
        .insert_header((CONTENT_TYPE, value(content_type)?))
        .insert_header((CONTENT_DISPOSITION, value(content_disposition)?))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((HeaderName::from_static("cross-origin-resource-policy"), "same-site"))
        .insert_header((ETAG, value(&sent.tag.to_string())?))
        .insert_header((ACCEPT_RANGES, "bytes"))
        .insert_header((CACHE_CONTROL, CACHING));
    Ok(())
}

fn value(text: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(text).map_err(Problem::internal)
}

/// The pieces as the store has them. If they break off, the connection is closed, so that a part is not taken for the whole.
fn pieces(
    source: Box<dyn ByteSource>,
    reserved: ReservedBytes,
) -> impl stream::Stream<Item = Result<Bytes, actix_web::Error>> {
    stream::try_unfold((source, reserved), async |(mut source, reserved)| match source.next().await {
        Ok(piece) => Ok(piece.map(|piece| (piece, (source, reserved)))),
        Err(error) => {
            error!(error = error.to_string(), "reading a file from the store failed; connection closed");
            Err(actix_web::error::ErrorInternalServerError("the file broke off"))
        }
    })
}
