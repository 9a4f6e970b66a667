use actix_web::web;
use flows::resume_account;
use kernel::ids::AccountId;
use kernel::{ChannelsWrite, Grant as _};

use super::whatsapp_accounts::AccountBody;
use crate::auth::Allow;
use crate::extract::PathId;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// Resume sending for a WhatsApp number
///
/// Ends the pauses of the number that refusals of Meta's started: what waits is sent. If the reason still holds, Meta's next refusal
/// pauses it again. A refused access token stays refused until another one is entered, or a check finds it valid.
#[utoipa::path(
    post,
    path = "/whatsapp-accounts/{id}/resume",
    operation_id = "resumeWhatsAppAccount",
    tag = tags::CHANNELS,
    security(("bearer" = [ChannelsWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The account's id")),
    responses((status = 200, description = "The number as it is now", body = AccountBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn resume(
    allow: Allow<ChannelsWrite>,
    state: web::Data<State>,
    PathId(id): PathId<AccountId>,
) -> Result<web::Json<AccountBody>, Problem> {
    let (origin, clock) = (allow.origin(), &*state.clock);
    let account = state
        .in_tenant(allow, async |permit, tx| resume_account(permit, tx, id, origin, clock).await)
        .await?
        .ok_or_else(Problem::not_found)?;
    state.send_bell.ring(id);
    Ok(web::Json(AccountBody::of(account, clock.now())))
}
