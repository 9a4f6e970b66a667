//! `/sandbox/phone`: what a customer does, and what the customer's phone shows.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Query};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::broadcast::error::RecvError;

use super::answer::{self, AdminError};
use crate::ids;
use crate::shared::Shared;
use crate::world::World;
use crate::world::customer::CustomerKey;
use crate::world::media::{NewMedia, sample};
use crate::world::phone::Written;

/// A message of a customer. The object of the kind stands under the kind's name, as in webhooks.
#[derive(Debug, Deserialize)]
struct Message {
    phone_number_id: String,
    /// A phone number or a business-scoped user id.
    from: String,
    #[serde(rename = "type", default = "text")]
    kind: String,
    reply_to: Option<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

fn text() -> String {
    "text".to_owned()
}

pub(super) async fn write(shared: Data<Shared>, body: Bytes) -> Result<HttpResponse, AdminError> {
    answer::read::<Message>(&body).and_then(|mut message| {
        let now = shared.clock.now_ms();
        let mut world = shared.world();
        let customer = customer(&mut world, &message.from)?;
        let content = message.rest.remove(&message.kind).unwrap_or_else(|| json!({}));
        let content = complete(&mut world, &message, content, now).map_err(|error| answer::bad_request(&error))?;
        let written = Written { kind: message.kind, content, reply_to: message.reply_to };
        let (id, outgoing) =
            world.write(&message.phone_number_id, customer, written, now).map_err(|error| answer::not_found(&error))?;
        drop(world);
        let told = outgoing.is_some();
        if let Some(outgoing) = outgoing {
            shared.tell(outgoing);
        }
        Ok(HttpResponse::Created().json(json!({"id": id, "webhook": told})))
    })
}

/// Fills what a message of this kind has in webhooks, so that callers may leave it out.
fn complete(world: &mut World, message: &Message, content: Value, now_ms: i64) -> Result<Value, String> {
    let kind = message.kind.as_str();
    let mut content = match content {
        Value::String(text) if kind == "text" => json!({ "body": text }),
        content @ (Value::Object(_) | Value::Array(_)) => content,
        _ => return Err(format!("{kind} must be an object")),
    };
    if matches!(kind, "image" | "video" | "audio" | "document" | "sticker") {
        let given = content.get("id").and_then(Value::as_str).map(str::to_owned);
        let file = given.as_deref().and_then(|id| world.media.get(id, now_ms)).cloned();
        let file = match (file, &given) {
            (Some(file), _) => Some(file),
            // An id that no file has: Meta has it no more.
            (None, Some(_)) => None,
            (None, None) => {
                let number = world.numbers.get(&message.phone_number_id);
                let phone_number_id = number.map(|number| Arc::clone(&number.id)).unwrap_or_default();
                let (mime_type, bytes) = sample(kind);
                let (id, mime_type) = (world.ids.numeric(), mime_type.to_owned());
                let new = NewMedia { id, phone_number_id, mime_type, filename: None, from_business: false, bytes };
                Some(world.media.add(new, now_ms))
            }
        };
        let (mime_type, empty) = (sample(kind).0.to_owned(), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".to_owned());
        let media = match file {
            Some(file) => {
                let mut facts = json!({"id": file.id, "mime_type": file.mime_type, "sha256": file.sha256_base64()});
                if let Some(filename) = file.filename.filter(|_| kind == "document") {
                    facts["filename"] = filename.into();
                }
                facts
            }
            None => json!({"mime_type": mime_type, "sha256": empty}),
        };
        for (key, value) in media.as_object().into_iter().flatten() {
            if content.get(key).is_none() {
                content[key.as_str()] = value.clone();
            }
        }
    }
    let lacks = |member: &str| content.get(member).is_none();
    match kind {
        "text" if lacks("body") => Err("text needs a body".to_owned()),
        "reaction" if lacks("message_id") => Err("reaction needs a message_id".to_owned()),
        _ => Ok(content),
    }
}

/// The customer with this phone number or user id. A phone number that is not known becomes a customer.
fn customer(world: &mut World, address: &str) -> Result<CustomerKey, AdminError> {
    if ids::is_bsuid(address) {
        return world.customers.with_bsuid(address).ok_or_else(|| answer::not_found("no customer with this user id"));
    }
    if address.chars().filter(char::is_ascii_digit).count() < 5 {
        return Err(answer::bad_request("not a phone number or user id"));
    }
    Ok(world.customers.with_phone(address))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pair {
    phone_number_id: String,
    /// A phone number or a business-scoped user id.
    from: String,
}

/// The customer opens the chat: what was delivered is read.
pub(super) async fn read(shared: Data<Shared>, body: Bytes) -> Result<HttpResponse, AdminError> {
    answer::read::<Pair>(&body).and_then(|pair| {
        let mut world = shared.world();
        let customer = customer(&mut world, &pair.from)?;
        let statuses = world.read(&pair.phone_number_id, customer);
        drop(world);
        let count = statuses.len();
        shared.happen_statuses(statuses);
        Ok(HttpResponse::Ok().json(json!({ "read": count })))
    })
}

/// The messages of a chat, and whether the service window is open.
pub(super) async fn chat(shared: Data<Shared>, pair: Query<Pair>) -> Result<HttpResponse, AdminError> {
    let now = shared.clock.now_ms();
    let mut world = shared.world();
    let customer = customer(&mut world, &pair.from)?;
    let number = world.numbers.get(&pair.phone_number_id).ok_or_else(|| answer::not_found("no such number"))?;
    let id = Arc::clone(&number.id);
    let chat = world.chat(&id, customer);
    Ok(HttpResponse::Ok().json(json!({
        "messages": chat.messages,
        "window_is_open": chat.window_is_open(now),
        "business_types": chat.business_types_until_ms > now,
    })))
}

/// Changes of all chats as server-sent events. A page that is too slow is told to load the chat again.
pub(super) async fn events(shared: Data<Shared>) -> HttpResponse {
    let receiver = shared.world().phone_pages.subscribe();
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async move {
        // A comment now and then finds out whether the page is still there.
        let text = match tokio::time::timeout(Duration::from_secs(15), receiver.recv()).await {
            Ok(Ok(event)) => format!("data: {event}\n\n"),
            Ok(Err(RecvError::Lagged(_))) => "event: reload\ndata: {}\n\n".to_owned(),
            Ok(Err(RecvError::Closed)) => return None,
            Err(_) => ": still here\n\n".to_owned(),
        };
        Some((Ok::<_, Infallible>(Bytes::from(text)), receiver))
    });
    let opening = futures_util::stream::iter([Ok(Bytes::from_static(b": listening\n\n"))]);
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("Cache-Control", "no-store"))
        .streaming(futures_util::StreamExt::chain(opening, stream))
}
