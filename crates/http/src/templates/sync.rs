use actix_web::web;
use flows::{business_account_access, sync_templates};
use kernel::ids::AccountId;
use kernel::{Grant as _, TemplatesWrite};
use outbound::BusinessAccountAccess;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::access::{access, business_account};
use crate::auth::Allow;
use crate::extract::Json;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// Whose templates are read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SyncTemplates)]
pub(crate) struct SyncBody {
    /// A number: only its business account. Else all business accounts of which an active number has an access token.
    account_id: Option<Uuid>,
}

/// What a sync changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncedTemplates)]
pub(crate) struct SyncedBody {
    data: Vec<SyncedAccountBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SyncedBusinessAccount)]
pub(crate) struct SyncedAccountBody {
    #[schema(example = "102290129340398")]
    waba_id: String,
    /// Templates that Meta has.
    stored: usize,
    /// Copies that Meta no longer had.
    deleted: usize,
}

/// Read templates from Meta
///
/// The copies of a business account are replaced at once after Meta's last page; if Meta fails before, they stay as they were.
#[utoipa::path(
    post,
    path = "/templates/sync",
    operation_id = "syncTemplates",
    tag = tags::TEMPLATES,
    security(("bearer" = [TemplatesWrite::PERMISSION])),
    request_body = SyncBody,
    responses((status = 200, description = "The copies are current", body = SyncedBody)),
    extensions(("x-problems" = json!([Code::ChannelNotReady, Code::TemplateRefused, Code::MetaUnavailable]))),
)]
pub(crate) async fn sync(
    allow: Allow<TemplatesWrite>,
    state: web::Data<State>,
    body: Json<SyncBody>,
) -> Result<web::Json<SyncedBody>, Problem> {
    let account = body.into_inner().account_id.map(AccountId::from_uuid);
    let accesses = state
        .in_scope(allow.scope(), async |tx| {
            if let Some(account) = account {
                let waba_id = business_account(tx, account).await?;
                return Ok(vec![access(tx, &state, &waba_id).await?]);
            }
            let mut accesses: Vec<BusinessAccountAccess> = Vec::new();
            for waba_id in tx.business_accounts().await? {
                accesses.extend(business_account_access(tx, &waba_id, &state.key_ring).await?);
            }
            Ok::<_, Problem>(accesses)
        })
        .await?;
    let mut data = Vec::new();
    for access in accesses {
        let counts =
            sync_templates(&*state.database, allow.scope(), &*state.template_api, &access, &*state.clock).await?;
        data.push(SyncedAccountBody { waba_id: access.waba_id, stored: counts.stored, deleted: counts.deleted });
    }
    Ok(web::Json(SyncedBody { data }))
}
