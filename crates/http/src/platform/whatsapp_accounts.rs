use actix_web::{HttpResponse, web};
use channels::{AccountDirectory, AccountWithTenant};
use chrono::{DateTime, Utc};
use flows::{ApproveAccountError, approve_account};
use kernel::StoreError;
use kernel::ids::AccountId;
use serde::Serialize;
use tokens::ScopeGrant as _;
use tokens::scope::{ChannelsRead, ChannelsWrite};
use utoipa::ToSchema;

use super::account_query::AccountQuery;
use crate::channels::whatsapp_accounts::AccountBody;
use crate::cursor::ListKind;
use crate::extract::{Listing, PageQuery, PathId};
use crate::operators::Operate;
use crate::page::PageBody;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// A WhatsApp number and its tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OwnedWhatsAppAccount)]
pub(crate) struct OwnedAccountBody {
    /// The slug of its tenant.
    #[schema(example = "acme")]
    tenant: String,
    #[serde(flatten)]
    account: AccountBody,
}

/// List the WhatsApp numbers of all tenants
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/platform/whatsapp-accounts",
    operation_id = "listAllWhatsAppAccounts",
    tag = tags::PLATFORM,
    security(("provisioning_key" = [ChannelsRead::SCOPE])),
    params(AccountQuery, PageQuery),
    responses((status = 200, description = "A page of accounts", body = PageBody<OwnedAccountBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    _operate: Operate<ChannelsRead>,
    state: web::Data<State>,
    listing: Listing<AccountQuery>,
) -> Result<web::Json<PageBody<OwnedAccountBody>>, Problem> {
    let now = state.clock.now();
    state
        .list_for_operator(ListKind::WhatsAppAccounts, &listing.page, async |page| {
            let only_pending = listing.filter.only_pending();
            let found =
                state.database.in_directory(async |tx| AccountDirectory::all_accounts(tx, only_pending, page).await);
            Ok::<_, StoreError>(found.await?.map(|owned| OwnedAccountBody::of(owned, now)))
        })
        .await
}

/// Approve a WhatsApp number
///
/// The tenant receives the number's messages, including those that arrived before.
#[utoipa::path(
    post,
    path = "/platform/whatsapp-accounts/{id}/approve",
    operation_id = "approveWhatsAppAccount",
    tag = tags::PLATFORM,
    security(("provisioning_key" = [ChannelsWrite::SCOPE])),
    params(("id" = Uuid, Path, description = "The account's id")),
    responses((status = 204, description = "The number is active")),
    extensions(("x-problems" = json!([Code::NotFound, Code::NumberInUse]))),
)]
pub(crate) async fn approve(
    operate: Operate<ChannelsWrite>,
    state: web::Data<State>,
    PathId(id): PathId<AccountId>,
) -> Result<HttpResponse, Problem> {
    let (operator, origin, clock) = (operate.operator(), operate.origin(), &*state.clock);
    state.database.in_directory(async |tx| approve_account(operator, tx, id, origin, clock).await).await?;
    state.wake_relay.notify_one();
    Ok(HttpResponse::NoContent().finish())
}

impl OwnedAccountBody {
    fn of(owned: AccountWithTenant, now: DateTime<Utc>) -> Self {
        Self { tenant: owned.tenant, account: AccountBody::of(owned.account, now) }
    }
}

impl From<ApproveAccountError> for Problem {
    fn from(error: ApproveAccountError) -> Self {
        match error {
            ApproveAccountError::NotPending => Self::not_found(),
            ApproveAccountError::NumberInUse => Self::new(Code::NumberInUse),
            ApproveAccountError::Store(error) => error.into(),
        }
    }
}
