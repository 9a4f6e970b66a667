use actix_web::{HttpRequest, HttpResponse, web};
use flows::{ObjectWrite, store_upload};
use kernel::ids::MediaId;
use kernel::{Grant as _, MessagesSend};
use media::{NewUploaded, StoredFile};
use serde::Deserialize;
use utoipa::ToSchema;

use super::form;
use super::media_body::FileBody;
use crate::auth::Allow;
use crate::idempotency::{IdempotencyGuard, IdempotencyHeader};
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// The form of an upload.
#[derive(Deserialize, ToSchema)]
#[schema(as = UploadForm)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for the document; the form is read piece by piece")]
pub(crate) struct UploadForm {
    /// The bytes, with a name and a type.
    #[schema(value_type = String, format = Binary)]
    file: String,
}

/// Upload a file
///
/// The file can then be sent by its id, as often as wanted. Its type is what its bytes say; whether it can be sent as a kind of message is
/// checked when it is. Files that no message names are deleted after 30 days.
#[utoipa::path(
    post,
    path = "/crm/media",
    operation_id = "uploadMedia",
    tag = tags::SENDING,
    security(("bearer" = [MessagesSend::PERMISSION])),
    params(IdempotencyHeader),
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, description = "The file is stored", body = FileBody)),
    extensions(("x-problems" = json!([
        Code::BadRequest, Code::IncompleteBody, Code::RequestTimeout, Code::BodyTooLarge, Code::UnsupportedMediaType,
        Code::ValidationFailed
    ]))),
)]
pub(crate) async fn upload(
    allow: Allow<MessagesSend>,
    state: web::Data<State>,
    http: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    // A malformed key is refused before the file is read.
    IdempotencyGuard::of(&http, &[])?;
    let arrived = form::read(&state, allow.scope(), &http, payload).await?;
    let (checked, filename) = (arrived.checked, arrived.filename);
    let what = format!("{}\n{}\n{}", checked.sha256, checked.mime_type, filename.as_deref().unwrap_or_default());
    let guard = IdempotencyGuard::of(&http, what.as_bytes())?;
    match guard.replay(&state, &allow).await {
        Ok(None) => {}
        outcome => {
            arrived.writer.abort().await;
            return outcome.and_then(|stored| stored.ok_or_else(|| Problem::new(Code::InternalError)));
        }
    }
    let write = ObjectWrite { sha256: checked.sha256, size: checked.size };
    write.publish(&*state.database, allow.scope(), arrived.writer, &*state.clock).await?;
    let file = NewUploaded {
        id: MediaId::new(&*state.clock),
        mime_type: checked.mime_type,
        filename,
        stored: StoredFile { sha256: checked.sha256, size: checked.size },
    };
    guard
        .create(&state, allow, async |permit, tx| {
            store_upload(permit, tx, file, &*state.clock).await.map(FileBody::from)
        })
        .await
}
