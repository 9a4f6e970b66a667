use actix_web::{HttpResponse, web};
use flows::{delete_template_at_meta, record_deleted_template};
use kernel::ids::TemplateId;
use kernel::{Grant as _, TemplatesWrite};

use super::access::template_with_access;
use crate::auth::Allow;
use crate::extract::PathId;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// Delete a template
///
/// In this language only. Meta does not let the name of an approved template be used again for 30 days.
#[utoipa::path(
    delete,
    path = "/templates/{id}",
    operation_id = "deleteTemplate",
    tag = tags::TEMPLATES,
    security(("bearer" = [TemplatesWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The template's id")),
    responses((status = 204, description = "Deleted")),
    extensions(("x-problems" = json!([
        Code::NotFound, Code::ChannelNotReady, Code::TemplateRefused, Code::MetaUnavailable
    ]))),
)]
pub(crate) async fn delete(
    allow: Allow<TemplatesWrite>,
    state: web::Data<State>,
    PathId(id): PathId<TemplateId>,
) -> Result<HttpResponse, Problem> {
    let (stored, access) = template_with_access(&allow, &state, id).await?;
    delete_template_at_meta(allow.permit_ref(), &*state.template_api, &access, &stored).await?;
    let origin = allow.origin();
    state
        .in_tenant(allow, async |permit, tx| record_deleted_template(permit, tx, &stored, origin, &*state.clock).await)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
