use actix_web::web;
use flows::{template, templates};
use kernel::ids::{AccountId, TemplateId};
use kernel::{Grant as _, TemplatesRead};
use outbound::{TemplateFilter, TemplateStatus};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::bodies::{TemplateBody, TemplateStatusBody};
use crate::auth::Allow;
use crate::cursor::ListKind;
use crate::extract::{Listing, PageQuery, PathId};
use crate::page::PageBody;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// Filters templates.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TemplateQuery {
    /// Id of a WhatsApp account: templates of its business account.
    account: Option<Uuid>,
    #[param(inline)]
    status: Option<TemplateStatusBody>,
    /// The whole name.
    #[param(example = "order_shipped")]
    name: Option<String>,
}

impl From<TemplateQuery> for TemplateFilter {
    fn from(query: TemplateQuery) -> Self {
        Self {
            account: query.account.map(AccountId::from_uuid),
            status: query.status.map(TemplateStatus::from),
            name: query.name,
        }
    }
}

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
