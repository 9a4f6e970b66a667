use actix_web::web;
use channels::AccountCheck;
use chrono::{DateTime, Utc};
use flows::{CheckAccountError, check_account};
use kernel::ids::AccountId;
use kernel::{ChannelsWrite, Grant as _};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Allow;
use crate::extract::PathId;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// What Meta said of a number.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountCheck)]
pub(crate) struct AccountCheckBody {
    checked_at: DateTime<Utc>,
    token: TokenCheckBody,
    number: NumberCheckBody,
    account: BusinessAccountCheckBody,
    /// What is wrong. Empty if nothing is.
    problems: Vec<CheckProblemBody>,
}

/// What Meta said of the access token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TokenCheck)]
pub(crate) struct TokenCheckBody {
    /// Null: Meta did not say.
    #[schema(required)]
    valid: Option<bool>,
    /// Null: it does not end, or Meta did not say.
    #[schema(required)]
    expires_at: Option<DateTime<Utc>>,
    #[schema(example = json!(["whatsapp_business_messaging", "whatsapp_business_management"]))]
    scopes: Vec<String>,
}

/// What Meta said of the number. Null: it did not say.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NumberCheck)]
pub(crate) struct NumberCheckBody {
    #[schema(required)]
    registered: Option<bool>,
    /// Of its display name.
    #[schema(required, example = "APPROVED")]
    name_status: Option<String>,
    #[schema(required, example = "GREEN")]
    quality: Option<String>,
    /// Meta's level.
    #[schema(required, example = "STANDARD")]
    throughput: Option<String>,
}

/// What Meta said of the business account. Null: it did not say.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BusinessAccountCheck)]
pub(crate) struct BusinessAccountCheckBody {
    #[schema(required, example = "AVAILABLE")]
    status: Option<String>,
    /// Whether the token's app gets the webhooks.
    #[schema(required)]
    subscribed: Option<bool>,
}

/// Something that is wrong.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckProblem)]
pub(crate) struct CheckProblemBody {
    #[schema(example = "The number is not registered.")]
    what: String,
    /// What to do about it.
    #[schema(example = "Register the number with Meta, with the PIN of its two-step verification.")]
    advice: String,
}

/// Check a WhatsApp number
///
/// Asks Meta about the access token, the number and its business account, and stores what Meta says: `sending` of the number follows
/// from it. What it finds well ends the pauses that concern it. Each number with a token is checked once a day.
#[utoipa::path(
    post,
    path = "/whatsapp-accounts/{id}/check",
    operation_id = "checkWhatsAppAccount",
    tag = tags::CHANNELS,
    security(("bearer" = [ChannelsWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The account's id")),
    responses((status = 200, description = "What Meta said", body = AccountCheckBody)),
    extensions(("x-problems" = json!([Code::NotFound, Code::MetaUnavailable]))),
)]
pub(crate) async fn check(
    allow: Allow<ChannelsWrite>,
    state: web::Data<State>,
    PathId(id): PathId<AccountId>,
) -> Result<web::Json<AccountCheckBody>, Problem> {
    let (api, ring, clock) = (&*state.account_api, &*state.key_ring, &*state.clock);
    let checked = check_account(allow.permit(), &*state.database, id, api, ring, clock).await?;
    // It may have ended a pause.
    state.send_bell.ring(id);
    Ok(web::Json(checked.ok_or_else(Problem::not_found)?.into()))
}

impl From<AccountCheck> for AccountCheckBody {
    fn from(check: AccountCheck) -> Self {
        let AccountCheck { checked_at, token, number, account, problems } = check;
        let problems = problems.into_iter();
        Self {
            checked_at,
            token: TokenCheckBody { valid: token.valid, expires_at: token.expires_at, scopes: token.scopes },
            number: NumberCheckBody {
                registered: number.registered,
                name_status: number.name_status,
                quality: number.quality,
                throughput: number.throughput,
            },
            account: BusinessAccountCheckBody { status: account.status, subscribed: account.subscribed },
            problems: problems.map(|it| CheckProblemBody { what: it.what, advice: it.advice }).collect(),
        }
    }
}

impl From<CheckAccountError> for Problem {
    fn from(error: CheckAccountError) -> Self {
        match error {
            CheckAccountError::Silent(_) => Self::unavailable(Code::MetaUnavailable).caused_by(error),
            CheckAccountError::Credentials(error) => error.into(),
        }
    }
}
