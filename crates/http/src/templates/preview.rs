use actix_web::web;
use flows::template;
use kernel::ids::TemplateId;
use kernel::{Grant as _, TemplatesRead};
use outbound::template::preview as render;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::auth::Allow;
use crate::extract::{Json, PathId};
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// What fills a template, in the short form of messages.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PreviewTemplate)]
pub(crate) struct PreviewBody {
    /// `{header, body, buttons}`: texts by the number or name of their gap. Files and places may be left out.
    #[schema(value_type = Option<Object>, example = json!({"body": {"1": "4711"}}))]
    parameters: Option<Map<String, Value>>,
}

/// What the customer will see of a template.
#[derive(ToSchema)]
#[schema(as = RenderedTemplate)]
#[expect(dead_code, reason = "for the document; the domain writes it")]
pub(crate) struct RenderedBody {
    /// `{type: text, text}`, `{type: image | video | document | other}` or `{type: location, location}`.
    #[schema(required, value_type = Option<Object>, example = json!({"type": "text", "text": "Order 4711"}))]
    header: Option<Value>,
    #[schema(required, example = "Your order 4711 is on its way.")]
    body: Option<String>,
    #[schema(required, example = "The shop")]
    footer: Option<String>,
    /// `{type, text, url}`.
    #[schema(value_type = Vec<Object>, example = json!([{"type": "url", "text": "Track", "url": "https://example.com/4711"}]))]
    buttons: Vec<Value>,
    /// Of a carousel, each with the fields of this object.
    #[schema(value_type = Vec<Object>, example = json!([]))]
    cards: Vec<Value>,
}

/// Preview a template
///
/// Renders what the customer will see. Parameters that do not fit are refused as they would be when a message is sent.
#[utoipa::path(
    post,
    path = "/templates/{id}/preview",
    operation_id = "previewTemplate",
    tag = tags::TEMPLATES,
    security(("bearer" = [TemplatesRead::PERMISSION])),
    params(("id" = Uuid, Path, description = "The template's id")),
    request_body = PreviewBody,
    responses((status = 200, description = "The rendered template", body = RenderedBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn preview(
    allow: Allow<TemplatesRead>,
    state: web::Data<State>,
    PathId(id): PathId<TemplateId>,
    body: Json<PreviewBody>,
) -> Result<web::Json<Value>, Problem> {
    let parameters = body.into_inner().parameters.map(Value::Object);
    let found = state.in_tenant(allow, async |permit, tx| template(permit, tx, id).await).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    Ok(web::Json(render(&found.template, parameters.as_ref())?.to_json()))
}
