use actix_web::web;
use flows::{check_template_edit, edit_template_at_meta, record_template_edit};
use kernel::ids::TemplateId;
use kernel::{Grant as _, TemplatesWrite};
use outbound::TemplateEdit;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::access::template_with_access;
use super::bodies::TemplateBody;
use crate::auth::Allow;
use crate::extract::{Json, PathId};
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// New components of a template.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EditTemplate)]
pub(crate) struct EditBody {
    /// All of them, as Meta has them: they replace those that there are.
    #[schema(value_type = Vec<Object>, example = json!([{"type": "BODY", "text": "Your order is on its way."}]))]
    components: Vec<Value>,
    /// Not of an approved template.
    #[schema(example = "utility", pattern = "^(marketing|utility|authentication)$")]
    category: Option<String>,
}

/// Edit a template
///
/// Meta reviews it again; until then its status is `pending` and it cannot be sent. Approved, rejected and paused templates can be
/// edited; approved ones once in 24 hours and 10 times in 30 days.
#[utoipa::path(
    patch,
    path = "/templates/{id}",
    operation_id = "editTemplate",
    tag = tags::TEMPLATES,
    security(("bearer" = [TemplatesWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The template's id")),
    request_body(content((EditBody = "application/merge-patch+json"), (EditBody = "application/json"))),
    responses((status = 200, description = "Taken by Meta", body = TemplateBody)),
    extensions(("x-problems" = json!([
        Code::NotFound, Code::TemplateNotEditable, Code::ChannelNotReady, Code::TemplateRefused, Code::MetaUnavailable
    ]))),
)]
pub(crate) async fn edit(
    allow: Allow<TemplatesWrite>,
    state: web::Data<State>,
    PathId(id): PathId<TemplateId>,
    body: Json<EditBody>,
) -> Result<web::Json<TemplateBody>, Problem> {
    let body = body.into_inner();
    let (stored, access) = template_with_access(&allow, &state, id).await?;
    let edit = TemplateEdit::parse(&body.value(), &stored.template)?;
    check_template_edit(&stored, &edit, &*state.clock)?;
    edit_template_at_meta(allow.permit_ref(), &*state.template_api, &access, &stored, &edit).await?;
    let origin = allow.origin();
    let edited = state
        .in_tenant(allow, async |permit, tx| {
            record_template_edit(permit, tx, stored, edit, origin, &*state.clock).await
        })
        .await?;
    Ok(web::Json(edited.ok_or_else(Problem::not_found)?.into()))
}

impl EditBody {
    fn value(self) -> Value {
        let mut value = json!({"components": self.components});
        if let Some(category) = self.category {
            value["category"] = json!(category);
        }
        value
    }
}
