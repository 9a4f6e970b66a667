use actix_web::web;
use flows::media_file;
use kernel::ids::MediaId;
use kernel::{CrmRead, Grant as _};
use media::{Media, MediaState, StoredFile};

use super::media_body::FileBody;
use crate::auth::Allow;
use crate::extract::PathId;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// Read about a file
///
/// `content_id` of a message is the id of its file.
#[utoipa::path(
    get,
    path = "/crm/media/{id}",
    operation_id = "readMedia",
    tag = tags::CRM,
    security(("bearer" = [CrmRead::PERMISSION])),
    params(("id" = Uuid, Path, description = "The file's id")),
    responses((status = 200, description = "The file", body = FileBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn read(
    allow: Allow<CrmRead>,
    state: web::Data<State>,
    PathId(id): PathId<MediaId>,
) -> Result<web::Json<FileBody>, Problem> {
    let media = state.in_tenant(allow, async |permit, tx| media_file(permit, tx, id).await).await?;
    Ok(web::Json(media.ok_or_else(Problem::not_found)?.into()))
}

/// The file and its bytes, if they are here.
pub(super) async fn stored(allow: Allow<CrmRead>, state: &State, id: MediaId) -> Result<(Media, StoredFile), Problem> {
    let media = state.in_tenant(allow, async |permit, tx| media_file(permit, tx, id).await).await?;
    let media = media.ok_or_else(Problem::not_found)?;
    match media.stored {
        Some(stored) if media.state == MediaState::Stored => Ok((media, stored)),
        _ => {
            let state = media.state.into_str();
            Err(Problem::new(Code::MediaNotStored).with_detail(format!("The file is {state}; its bytes are not here.")))
        }
    }
}
