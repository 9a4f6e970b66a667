use actix_web::web;
use flows::{template, templates};
use kernel::ids::TemplateId;
use kernel::{Grant as _, TemplatesRead};
use outbound::TemplateFilter;

use super::bodies::TemplateBody;
use super::query::TemplateQuery;
use crate::auth::Allow;
use crate::cursor::ListKind;
use crate::extract::{Listing, PageQuery, PathId};
use crate::page::PageBody;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// List templates
///
/// Newest first: those of all business accounts that the tenant's numbers belong to. They are copies, read from Meta once a day, kept
/// current by Meta's events, and read again by `POST /templates/sync`.
#[utoipa::path(
    get,
    path = "/templates",
    operation_id = "listTemplates",
    tag = tags::TEMPLATES,
    security(("bearer" = [TemplatesRead::PERMISSION])),
    params(TemplateQuery, PageQuery),
    responses((status = 200, description = "A page of templates", body = PageBody<TemplateBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    allow: Allow<TemplatesRead>,
    state: web::Data<State>,
    listing: Listing<TemplateQuery>,
) -> Result<web::Json<PageBody<TemplateBody>>, Problem> {
    let filter = TemplateFilter::from(listing.filter);
    state
        .list(allow, ListKind::Templates, &listing.page, async |permit, tx, page| {
            templates(permit, tx, &filter, page).await
        })
        .await
}

/// Read a template
#[utoipa::path(
    get,
    path = "/templates/{id}",
    operation_id = "readTemplate",
    tag = tags::TEMPLATES,
    security(("bearer" = [TemplatesRead::PERMISSION])),
    params(("id" = Uuid, Path, description = "The template's id")),
    responses((status = 200, description = "The template", body = TemplateBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn read(
    allow: Allow<TemplatesRead>,
    state: web::Data<State>,
    PathId(id): PathId<TemplateId>,
) -> Result<web::Json<TemplateBody>, Problem> {
    let found = state.in_tenant(allow, async |permit, tx| template(permit, tx, id).await).await?;
    Ok(web::Json(found.ok_or_else(Problem::not_found)?.into()))
}
