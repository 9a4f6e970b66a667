use actix_web::http::header::EntityTag;
use actix_web::{HttpRequest, HttpResponse, web};
use flows::{ThumbnailOutcome, thumbnail_of};
use kernel::ids::MediaId;
use kernel::{CrmRead, Grant as _};
use media::{SignedHeaders, ThumbnailError};

use super::content::{Sent, is_known, not_modified, send};
use super::read::stored;
use super::store_error::{object_missing, store_away};
use crate::auth::Allow;
use crate::extract::PathId;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// Download a small picture of a file
///
/// Of an image or a sticker: at most 320 pixels wide and high, as JPEG, or as PNG if it is transparent. It is made when it is read first.
#[utoipa::path(
    get,
    path = "/crm/media/{id}/thumbnail",
    operation_id = "downloadThumbnail",
    tag = tags::CRM,
    security(("bearer" = [CrmRead::PERMISSION])),
    params(
        ("id" = Uuid, Path, description = "The file's id"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of a copy that the client has")
    ),
    responses(
        (status = 200, description = "The small picture", content_type = "image/jpeg", body = super::content::FileBytes),
        (status = 304, description = "The client's copy is current"),
    ),
    extensions(("x-problems" = json!([
        Code::NotFound, Code::MediaNotStored, Code::NoThumbnail, Code::RangeNotSatisfiable
    ]))),
)]
pub(crate) async fn thumbnail(
    allow: Allow<CrmRead>,
    state: web::Data<State>,
    PathId(id): PathId<MediaId>,
    http: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let tenant = allow.scope().tenant();
    let (media, bytes) = stored(allow, &state, id).await?;
    let tag = EntityTag::new_strong(format!("{}-thumbnail", bytes.sha256));
    if is_known(&http, &tag) {
        return not_modified(&tag);
    }
    let mut reserved = state.limits.reserve_response(0)?;
    let reserve = |bytes: usize| reserved.grow_to(bytes).is_ok();
    let (store, maker) = (&*state.object_store, &*state.thumbnailer);
    match thumbnail_of(store, maker, tenant, &media, reserve).await.map_err(store_away)? {
        ThumbnailOutcome::Stored { key, size, mime_type } => {
            let headers =
                SignedHeaders { content_type: mime_type.to_owned(), content_disposition: "inline".to_owned() };
            send(&state, &http, &Sent { key, size, tag, headers }).await
        }
        ThumbnailOutcome::Failed(error @ (ThumbnailError::NoPicture | ThumbnailError::TooLarge)) => {
            Err(Problem::new(Code::NoThumbnail).with_detail(format!("There is no thumbnail: {error}.")))
        }
        ThumbnailOutcome::Failed(error @ ThumbnailError::Busy) => {
            let detail = "Too many thumbnails are being made; retry later.";
            Err(Problem::unavailable(Code::TemporarilyUnavailable).with_detail(detail).caused_by(error))
        }
        ThumbnailOutcome::Missing => Err(object_missing()),
    }
}
