use actix_web::web;
use channels::{
    AccessToken, AccountCredentialsError, AccountPatch, InvalidSetting, NewAccount, Throughput, TokenRefusal,
    TwoStepPin, VerifiedToken, account_to_change, verify_token,
};
use flows::change_account;
use kernel::ids::AccountId;
use kernel::{Change, ChannelsWrite, Grant as _};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::whatsapp_accounts::AccountBody;
use crate::auth::Allow;
use crate::extract::{Json, PathId, member};
use crate::problem::{Code, FieldError, Problem};
use crate::state::State;
use crate::tags;
use crate::validation::Validation;

/// A JSON Merge Patch (RFC 7396): absent members are kept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WhatsAppAccountPatch)]
pub(crate) struct PatchBody {
    /// Null clears it.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<String>, example = "+1 555 010 0001", format = "name")]
    display_phone_number: Change<String>,
    /// Null clears it.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<String>, example = "Support", format = "name")]
    name: Change<String>,
    /// The access token of a system user that may use the number and its business account. Meta is asked before it is stored. Null
    /// removes it: nothing is sent any more.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<String>, format = "access-token", write_only)]
    access_token: Change<String>,
    /// The 6 digits of the number's two-step verification, with which it is registered. Null removes it.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<String>, format = "pin", write_only)]
    two_step_pin: Change<String>,
    /// Messages sent in a second at most: 80 unless Meta has granted more, 20 for a number that the Business app shares.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = i64, required = false, example = 80, minimum = 1, maximum = 1000)]
    throughput: Change<i64>,
    /// Whether customers see that their messages were read.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = bool, required = false, example = false)]
    send_read_receipts: Change<bool>,
}

const ACCESS_TOKEN: &str = "/access_token";

/// A checked patch whose token Meta has not been asked about.
struct UnverifiedPatch {
    access_token: Change<AccessToken>,
    rest: AccountPatch,
}

/// Change a WhatsApp number
///
/// A JSON Merge Patch of its names, settings and secrets. Secrets are sealed and never returned. Meta is asked about a new access
/// token first: if it does not reach this number and this business account, the answer is 422 with Meta's words. Ids and Meta app
/// cannot be changed: connect a different number as a new account.
#[utoipa::path(
    patch,
    path = "/whatsapp-accounts/{id}",
    operation_id = "changeWhatsAppAccount",
    tag = tags::CHANNELS,
    security(("bearer" = [ChannelsWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The account's id")),
    request_body(
        content((PatchBody = "application/merge-patch+json"), (PatchBody = "application/json")),
    ),
    responses((status = 200, description = "The changed resource", body = AccountBody)),
    extensions(("x-problems" = json!([Code::NotFound, Code::MetaUnavailable]))),
)]
pub(crate) async fn change(
    allow: Allow<ChannelsWrite>,
    state: web::Data<State>,
    PathId(id): PathId<AccountId>,
    body: Json<PatchBody>,
) -> Result<web::Json<AccountBody>, Problem> {
    let UnverifiedPatch { access_token, rest } = body.into_inner().check()?;
    let access_token = match access_token {
        Change::Keep => Change::Keep,
        Change::Clear => Change::Clear,
        Change::Set(token) => Change::Set(verified(&allow, &state, id, token).await?),
    };
    let patch = AccountPatch { access_token, ..rest };
    let (ring, entropy, clock) = (&state.key_ring, &*state.auth.entropy, &*state.clock);
    let origin = allow.origin();
    let account = state
        .in_tenant(allow, async |permit, tx| {
            change_account(permit.into(), tx, id, patch, ring, origin, entropy, clock).await
        })
        .await?
        .ok_or_else(Problem::not_found)?;
    // A valid token may have ended a pause, and makes the templates of its business account readable.
    state.send_bell.ring(id);
    state.job_bell.ring();
    Ok(web::Json(AccountBody::of(account, clock.now())))
}

/// Asks Meta. No transaction is open meanwhile.
async fn verified(
    allow: &Allow<ChannelsWrite>,
    state: &State,
    id: AccountId,
    token: AccessToken,
) -> Result<VerifiedToken, Problem> {
    let account = state
        .in_scope(allow.scope(), async |tx| account_to_change(allow.permit_ref(), tx, id).await)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(verify_token(&*state.account_api, &account, token, &*state.clock).await?)
}

impl PatchBody {
    fn check(self) -> Result<UnverifiedPatch, Problem> {
        let mut validation = Validation::default();
        let mut text = |pointer: &str, change: Change<String>| {
            validation.change(pointer, change, |text| NewAccount::parse_text(&text))
        };
        let (display_phone_number, name) =
            (text("/display_phone_number", self.display_phone_number), text("/name", self.name));
        let access_token =
            validation.change(ACCESS_TOKEN, self.access_token, |token| AccessToken::parse(SecretString::from(token)));
        let two_step_pin =
            validation.change("/two_step_pin", self.two_step_pin, |pin| TwoStepPin::parse(SecretString::from(pin)));
        let throughput = validation.replacement("/throughput", self.throughput, Throughput::new);
        let send_read_receipts =
            validation.replacement("/send_read_receipts", self.send_read_receipts, Ok::<_, InvalidSetting>);
        let rest = AccountPatch {
            display_phone_number,
            name,
            throughput,
            send_read_receipts,
            access_token: Change::Keep,
            two_step_pin,
        };
        if validation.is_valid() { Ok(UnverifiedPatch { access_token, rest }) } else { Err(validation.into_problem()) }
    }
}

impl From<TokenRefusal> for Problem {
    fn from(refusal: TokenRefusal) -> Self {
        match refusal {
            TokenRefusal::Refused(reason) => {
                let error = FieldError::in_body(ACCESS_TOKEN, "refused", reason);
                Self::new(Code::ValidationFailed).with_errors(vec![error])
            }
            TokenRefusal::Silent(_) => Self::unavailable(Code::MetaUnavailable).caused_by(refusal),
        }
    }
}

impl From<AccountCredentialsError> for Problem {
    fn from(error: AccountCredentialsError) -> Self {
        match error {
            AccountCredentialsError::Store(error) => error.into(),
            error => Self::internal(error),
        }
    }
}
