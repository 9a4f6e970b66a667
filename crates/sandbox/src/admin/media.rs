//! `/sandbox/media`: files of customers, and what businesses uploaded.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Payload, Query};
use futures_util::TryStreamExt as _;
use serde::Deserialize;
use serde_json::json;

use super::answer::{self, AdminError};
use crate::graph::media::shown;
use crate::shared::Shared;
use crate::world::media::{MediaFile, NewMedia};

/// More than Meta takes, so that tests can offer too much.
const MAX_LENGTH: usize = 128 << 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Upload {
    phone_number_id: String,
    mime_type: String,
    filename: Option<String>,
}

/// The bytes of a file that a customer is going to send to a number.
pub(super) async fn add(
    shared: Data<Shared>,
    upload: Query<Upload>,
    mut body: Payload,
) -> Result<HttpResponse, AdminError> {
    let mut bytes = Vec::new();
    while let Some(part) = body.try_next().await.map_err(|_| answer::bad_request("the body is not complete"))? {
        bytes.extend_from_slice(&part);
        if bytes.len() > MAX_LENGTH {
            return Err(answer::bad_request("the file is too large"));
        }
    }
    let upload = upload.into_inner();
    let mut world = shared.world();
    let number = world.numbers.get(&upload.phone_number_id).ok_or_else(|| answer::not_found("no such number"))?;
    let new = NewMedia {
        phone_number_id: number.id.clone(),
        id: world.ids.numeric(),
        mime_type: upload.mime_type,
        filename: upload.filename,
        from_business: false,
        bytes: bytes.into(),
    };
    let file = world.media.add(new, shared.clock.now_ms());
    let facts = json!({"id": file.id, "mime_type": file.mime_type, "sha256": file.sha256_base64(), "file_size": file.file_size});
    Ok(HttpResponse::Created().json(facts))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    number: Option<String>,
    from_business: Option<bool>,
}

pub(super) async fn list(shared: Data<Shared>, filter: Query<Filter>) -> HttpResponse {
    let world = shared.world();
    let wanted = world.media.all().filter(|file| {
        filter.number.as_deref().is_none_or(|number| *file.phone_number_id == *number)
            && filter.from_business.is_none_or(|from_business| file.from_business == from_business)
    });
    let mut files: Vec<&MediaFile> = wanted.collect();
    files.sort_by(|a, b| (&a.stored_at, &a.id).cmp(&(&b.stored_at, &b.id)));
    HttpResponse::Ok().json(files)
}

/// The bytes, without a token.
pub(super) async fn content(shared: Data<Shared>, id: Path<String>) -> Result<HttpResponse, AdminError> {
    let world = shared.world();
    let file = world.media.get(&id, shared.clock.now_ms()).ok_or_else(|| answer::not_found("no such file"))?;
    Ok(shown(file.bytes.clone(), &file.mime_type))
}

/// Meta has it no more.
pub(super) async fn remove(shared: Data<Shared>, id: Path<String>) -> Result<HttpResponse, AdminError> {
    match shared.world().media.remove(&id) {
        Some(_) => Ok(HttpResponse::NoContent().finish()),
        None => Err(answer::not_found("no such file")),
    }
}
