//! Uploads in parts, whose handle a template takes as the example of its header.

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::TryStreamExt as _;
use serde_json::json;

use super::answer::Reply;
use super::auth;
use super::error::GraphError;
use crate::shared::Shared;
use crate::world::media::UploadSession;

/// The largest example of a template.
const MAX_LENGTH: usize = 100 << 20;

/// `POST /{app_id}/uploads` begins one.
pub(super) async fn begin(request: HttpRequest, path: Path<(String, String)>, shared: Data<Shared>) -> HttpResponse {
    let result = auth::token(&request).and_then(|token| {
        let mut world = shared.world();
        let now = shared.clock.now_ms();
        let number = world.owner_of(&token).ok_or_else(|| GraphError::token(None))?;
        if let Some(subcode) = number.token_error(now) {
            return Err(GraphError::token(Some(subcode)));
        }
        if number.settings.app_id != path.1 {
            return Err(GraphError::no_object("post", &path.1));
        }
        let length = auth::query(&request, "file_length").and_then(|length| length.parse().ok());
        let length: usize =
            length.filter(|length| *length <= MAX_LENGTH).ok_or_else(|| GraphError::required("file_length"))?;
        let mime_type = auth::query(&request, "file_type").unwrap_or_default();
        if !matches!(mime_type.as_str(), "image/jpeg" | "image/jpg" | "image/png" | "video/mp4" | "application/pdf") {
            return Err(GraphError::parameter("Param file_type is not supported."));
        }
        let id = format!("upload:{}", world.ids.numeric());
        world.media.sessions.insert(id.clone(), UploadSession { token, mime_type, length, bytes: Vec::new() });
        Ok(json!({ "id": id }))
    });
    Reply::result(&shared, result)
}

/// `POST /upload:...` takes the bytes from an offset on, and answers the handle when all are there.
pub(super) async fn append(
    request: HttpRequest,
    path: Path<(String, String)>,
    mut body: Payload,
    shared: Data<Shared>,
) -> HttpResponse {
    let result = async {
        let token = auth::token(&request)?;
        let session = shared.world().media.sessions.get(&path.1).cloned();
        let session =
            session.filter(|session| session.token == token).ok_or_else(|| GraphError::no_object("post", &path.1))?;
        let offset = request.headers().get("file_offset").and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if offset != Some(session.bytes.len()) {
            return Err(GraphError::parameter("file_offset is not where the upload ended."));
        }
        let mut bytes = session.bytes;
        while let Some(part) = body.try_next().await.map_err(|_| GraphError::parameter("The body is not complete."))? {
            bytes.extend_from_slice(&part);
            if bytes.len() > session.length {
                return Err(GraphError::parameter("There are more bytes than file_length said."));
            }
        }
        let mut world = shared.world();
        if bytes.len() == session.length {
            let handle = format!("4:{}", world.ids.numeric());
            world.media.sessions.remove(&path.1);
            world.media.handles.insert(handle.clone(), session.mime_type);
            return Ok(json!({ "h": handle }));
        }
        if let Some(session) = world.media.sessions.get_mut(&path.1) {
            session.bytes = bytes;
        }
        Ok(json!({"success": true}))
    };
    let result = result.await;
    Reply::result(&shared, result)
}

/// `GET /upload:...` says how many bytes are there.
pub(super) async fn offset(request: HttpRequest, path: Path<(String, String)>, shared: Data<Shared>) -> HttpResponse {
    let result = auth::token(&request).and_then(|token| {
        let world = shared.world();
        let session = world.media.sessions.get(&path.1).filter(|session| session.token == token);
        let session = session.ok_or_else(|| GraphError::no_object("get", &path.1))?;
        Ok(json!({"id": path.1, "file_offset": session.bytes.len()}))
    });
    Reply::result(&shared, result)
}
