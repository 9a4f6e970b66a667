//! Media files: their description, their bytes, upload and deletion.

use std::convert::Infallible;
use std::time::Duration;

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};

use super::answer::Reply;
use super::auth;
use super::error::GraphError;
use crate::shared::Shared;
use crate::world::World;
use crate::world::fault::{FaultKind, Stage, Subject};
use crate::world::media::{NewMedia, upload_limit};

/// Meta takes no larger file of any type.
const MAX_UPLOAD: usize = 100 << 20;

/// The description of a file, with an address that lives five minutes; `None` if the id is of no file.
pub(super) fn describe(
    world: &mut World,
    request: &HttpRequest,
    id: &str,
    token: &str,
    now: i64,
) -> Option<Result<Value, GraphError>> {
    let file = world.media.get(id, now)?.clone();
    let number = file.phone_number_id.to_string();
    if let Err(error) = world.number_for(&number, token, "get", now) {
        return Some(Err(error));
    }
    if auth::query(request, "phone_number_id").is_some_and(|wanted| wanted != number) {
        return Some(Err(GraphError::no_object("get", id)));
    }
    let fault = draw(world, Stage::Description, &number, "media");
    let secret = format!("{}{}", world.ids.numeric(), world.ids.numeric());
    if !matches!(fault, Some(FaultKind::ExpiredMediaAddress {})) {
        world.media.open_address(secret.clone(), id, now);
    }
    let host = request.connection_info().host().to_owned();
    // Meta writes the size as a number or as a text.
    let size = match &fault {
        Some(FaultKind::WrongMediaSize { file_size }) => *file_size,
        _ => file.file_size,
    };
    let is_text = id.bytes().last().is_some_and(|digit| digit % 2 == 1);
    let size = if is_text { Value::from(size.to_string()) } else { Value::from(size) };
    let sha256 = if matches!(fault, Some(FaultKind::WrongMediaHash {})) { "0".repeat(64) } else { file.sha256 };
    let mime_type = match fault {
        Some(FaultKind::WrongMediaType { mime_type }) => mime_type.unwrap_or_else(|| "image/png".to_owned()),
        _ => file.mime_type,
    };
    Some(Ok(json!({
        "messaging_product": "whatsapp",
        "url": format!("http://{host}/whatsapp_business/attachments/?mid={id}&hash={secret}"),
        "mime_type": mime_type,
        "sha256": sha256,
        "file_size": size,
        "id": id,
    })))
}

fn draw(world: &mut World, stage: Stage, number: &str, kind: &str) -> Option<FaultKind> {
    let waba = world.numbers.get(number).map(|number| number.settings.waba_id.clone()).unwrap_or_default();
    // Other faults are for messages, unless they name this call.
    let meets_unnamed = stage != Stage::Answer;
    let subject = Subject { phone_number_id: number, waba_id: &waba, to: "", kind, template: "", meets_unnamed };
    world.faults.draw(stage, &subject)
}

/// The bytes of a file, at the address of its description.
pub(super) async fn download(request: HttpRequest, shared: Data<Shared>) -> HttpResponse {
    let token = match auth::token(&request) {
        Ok(token) => token,
        Err(error) => return Reply::refused(&shared, &error).response(),
    };
    let secret = auth::query(&request, "hash").unwrap_or_default();
    let now = shared.clock.now_ms();
    let found = {
        let mut world = shared.world();
        let file = world.media.at_address(&secret, now).cloned();
        file.map(|file| {
            let allowed = world.number_for(&file.phone_number_id, &token, "get", now).map(drop);
            let answer = draw(&mut world, Stage::Answer, &file.phone_number_id, "media_download");
            let bytes = draw(&mut world, Stage::Download, &file.phone_number_id, "media_download");
            (file, allowed, answer, bytes)
        })
    };
    let Some((file, allowed, answer, spoiled)) = found else {
        return HttpResponse::NotFound()
            .content_type("text/html; charset=utf-8")
            .body("<html>URL signature expired</html>");
    };
    if let Err(error) = allowed {
        return Reply::refused(&shared, &error).response();
    }
    if let Some(fault) = answer {
        return Reply::ok(&shared, &Value::Null).spoiled(Some(fault), &request).await;
    }
    let mut head = HttpResponse::Ok();
    head.insert_header((CONTENT_TYPE, file.mime_type.as_str()));
    let length = file.file_size;
    match spoiled {
        Some(FaultKind::MediaRedirect { location }) => {
            HttpResponse::Found().insert_header((LOCATION, location)).finish()
        }
        Some(FaultKind::MediaCutOff { after }) => {
            let kept = usize::try_from(after.unwrap_or(length / 2).min(length)).unwrap_or_default();
            let start = file.bytes.slice(..kept);
            let broken = futures_util::stream::once(async { Ok(start) }).chain(futures_util::stream::once(async {
                // The server writes what it has only while the body has nothing more to say.
                tokio::time::sleep(Duration::from_millis(100)).await;
                Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
            }));
            head.no_chunking(length).streaming(broken)
        }
        Some(FaultKind::MediaLonger { by }) => {
            let more = usize::try_from(by.unwrap_or(1)).unwrap_or_default();
            head.streaming(futures_util::stream::iter([
                Ok::<_, Infallible>(file.bytes),
                Ok(Bytes::from(vec![0; more])),
            ]))
        }
        Some(FaultKind::OtherMediaBytes {}) => {
            let other: Vec<u8> = file.bytes.iter().map(|byte| byte.wrapping_add(1)).collect();
            head.body(other)
        }
        Some(FaultKind::SlowMedia { seconds }) => {
            head.no_chunking(length).streaming(slow(file.bytes, Duration::from_secs(seconds.unwrap_or(60))))
        }
        _ => head.body(file.bytes),
    }
}

/// The bytes in up to 100 parts, over this time.
fn slow(bytes: Bytes, over: Duration) -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> {
    let part = bytes.len().div_ceil(100).max(1);
    let parts = u32::try_from(bytes.len().div_ceil(part).max(1)).unwrap_or(u32::MAX);
    futures_util::stream::unfold(bytes, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(over / parts).await;
        let next = rest.split_to(part.min(rest.len()));
        Some((Ok(next), rest))
    })
}

/// `POST /{phone_number_id}/media`
pub(super) async fn upload(
    request: HttpRequest,
    path: Path<(String, String)>,
    body: Multipart,
    shared: Data<Shared>,
) -> HttpResponse {
    let result = async {
        let token = auth::token(&request)?;
        let now = shared.clock.now_ms();
        shared.world().number_for(&path.1, &token, "post", now)?;
        let form = Form::read(body).await?;
        if form.product.as_deref() != Some("whatsapp") {
            return Err(GraphError::required("messaging_product"));
        }
        let (mime_type, filename, bytes) = form.file.ok_or_else(|| GraphError::required("file"))?;
        let Some(limit) = upload_limit(&mime_type) else {
            let text = format!(
                "Param file must be a file with one of the supported types. Received file of type '{mime_type}'."
            );
            return Err(GraphError::parameter(text));
        };
        if bytes.len() as u64 > limit {
            return Err(GraphError::with_details(131_053, format!("The file has more than {limit} bytes")));
        }
        let mut world = shared.world();
        let id = world.ids.numeric();
        let new = NewMedia {
            id: id.clone(),
            phone_number_id: path.1.as_str().into(),
            mime_type,
            filename,
            from_business: true,
            bytes,
        };
        world.media.add(new, now);
        Ok(json!({ "id": id }))
    };
    let result = result.await;
    Reply::result(&shared, result)
}

/// The parts of a form.
#[derive(Default)]
struct Form {
    product: Option<String>,
    /// Type, name and bytes.
    file: Option<(String, Option<String>, Bytes)>,
}

impl Form {
    async fn read(mut body: Multipart) -> Result<Self, GraphError> {
        let broken = |_| GraphError::parameter("The form is not complete.");
        let mut form = Self::default();
        while let Some(mut field) = body.try_next().await.map_err(broken)? {
            let name = field.name().unwrap_or_default().to_owned();
            let mime_type = field.content_type().map(ToString::to_string).unwrap_or_default();
            let filename = field.content_disposition().and_then(|given| given.get_filename()).map(str::to_owned);
            let mut bytes = Vec::new();
            while let Some(part) = field.try_next().await.map_err(broken)? {
                if bytes.len() + part.len() > MAX_UPLOAD {
                    return Err(GraphError {
                        http_status: 413,
                        ..GraphError::with_details(131_053, "The file is too large")
                    });
                }
                bytes.extend_from_slice(&part);
            }
            match name.as_str() {
                "messaging_product" => form.product = String::from_utf8(bytes).ok(),
                "file" => form.file = Some((mime_type, filename, bytes.into())),
                _ => {}
            }
        }
        Ok(form)
    }
}

/// `DELETE /{media_id}`
pub(super) async fn delete(request: HttpRequest, path: Path<(String, String)>, shared: Data<Shared>) -> HttpResponse {
    let result = auth::token(&request).and_then(|token| {
        let (id, now, mut world) = (&path.1, shared.clock.now_ms(), shared.world());
        let Some(file) = world.media.get(id, now) else {
            return Err(world.unknown_object(id, &token, "delete", now));
        };
        let number = file.phone_number_id.to_string();
        world.number_for(&number, &token, "delete", now)?;
        world.media.remove(id);
        Ok(json!({"success": true}))
    });
    Reply::result(&shared, result)
}

/// A message may name files of its number that are still there, and that fit its kind.
pub(super) fn check_ids(world: &World, number: &str, content: &Value, now: i64) -> Result<(), GraphError> {
    for (kind, id) in ids(content) {
        let file = world.media.get(&id, now).filter(|file| *file.phone_number_id == *number);
        match file {
            None => {
                return Err(GraphError::with_details(131_053, "The media id is not known to this number, or expired"));
            }
            Some(file) if !crate::world::media::fits(&kind, &file.mime_type) => {
                let details = format!("Files of type {} cannot be sent as {kind}", file.mime_type);
                return Err(GraphError::with_details(131_053, details));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// The files that a message names, with the kind under which each stands.
pub(super) fn ids(content: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    match content {
        Value::Object(members) => {
            for (name, member) in members {
                let is_kind = matches!(name.as_str(), "image" | "video" | "audio" | "document" | "sticker");
                match &member["id"] {
                    Value::String(id) if is_kind => found.push((name.clone(), id.clone())),
                    Value::Number(id) if is_kind => found.push((name.clone(), id.to_string())),
                    _ => found.extend(ids(member)),
                }
            }
        }
        Value::Array(items) => found.extend(items.iter().flat_map(ids)),
        _ => {}
    }
    found
}

/// `GET /sandbox/media/{id}` shows the phone what it has.
pub(crate) fn shown(bytes: Bytes, mime_type: &str) -> HttpResponse {
    HttpResponse::build(StatusCode::OK)
        .insert_header((CONTENT_TYPE, mime_type))
        .insert_header(("Content-Security-Policy", "default-src 'none'; sandbox"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .body(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_wherever_media_stands() {
        let content = json!({
            "image": {"id": "1"}, "header": {"type": "video", "video": {"id": 2}},
            "components": [{"parameters": [{"type": "document", "document": {"id": "3"}}]}],
            "action": {"buttons": [{"reply": {"id": "not media"}}]},
        });
        let mut found: Vec<String> = ids(&content).into_iter().map(|(_, id)| id).collect();
        found.sort();
        assert_eq!(found, ["1", "2", "3"]);
    }
}
