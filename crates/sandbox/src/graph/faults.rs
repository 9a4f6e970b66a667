//! Faults of calls that do not send: they meet those that name them.

use actix_web::HttpResponse;
use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;

use super::answer::Reply;
use crate::shared::Shared;
use crate::world::fault::{Stage, Subject};

/// Answers a call, or lets a fault spoil its answer.
pub(super) async fn apply(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let mut parts = request.path().split('/').skip(2);
    let (node, edge) = (parts.next().unwrap_or_default().to_owned(), parts.next().map(str::to_owned));
    let kind = edge.unwrap_or_else(|| if node == "debug_token" { node.clone() } else { "node".to_owned() });
    let shared = request.app_data::<Data<Shared>>().cloned();
    let Some(shared) = shared.filter(|_| kind != "messages") else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    // A node is a number, a business account or a template; a filter of either id may name it. A file is met by its number.
    let now = shared.clock.now_ms();
    let number = shared.world().media.get(&node, now).map(|file| file.phone_number_id.to_string());
    let kind = if number.is_some() { "media_node".to_owned() } else { kind };
    let node = number.unwrap_or(node);
    let subject =
        Subject { phone_number_id: &node, waba_id: &node, to: "", kind: &kind, template: "", meets_unnamed: false };
    let fault = shared.world().faults.draw(Stage::Answer, &subject);
    let Some(fault) = fault else { return Ok(next.call(request).await?.map_into_boxed_body()) };
    if !fault.accepts() {
        let reply = Reply::of_answer(&shared, 200, String::new());
        let response = reply.spoiled(Some(fault), request.request()).await;
        return Ok(request.into_response(response));
    }
    let (request, response) = next.call(request).await?.into_parts();
    let status = response.status().as_u16();
    let body =
        to_bytes(response.into_body()).await.map_err(|_| actix_web::error::ErrorInternalServerError("no body"))?;
    let reply = Reply::of_answer(&shared, status, String::from_utf8_lossy(&body).into_owned());
    let response: HttpResponse = reply.spoiled(Some(fault), &request).await;
    Ok(ServiceResponse::new(request, response))
}
