use actix_web::{HttpResponse, web};
use channels::{AccountDirectory, AccountWithTenant};
use flows::{ApproveAccountError, approve_account, settle};
use kernel::ids::AccountId;
use serde::Serialize;
use tokens::ScopeGrant as _;
use tokens::scope::{ChannelsRead, ChannelsWrite};
use utoipa::ToSchema;

use super::account_query::AccountQuery;
use crate::State;
use crate::channels::whatsapp_accounts::AccountBody;
use crate::cursor::{ListId, ListKind};
use crate::extract::{PathId, Query, page_request};
use crate::openapi::tag;
use crate::operators::Operate;
use crate::page::PageBody;
use crate::problem::{Code, Problem};

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
    tag = tag::PLATFORM,
    security(("provisioning_key" = [ChannelsRead::SCOPE])),
    params(AccountQuery),
    responses((status = 200, description = "A page of accounts", body = PageBody<OwnedAccountBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    _operate: Operate<ChannelsRead>,
    state: web::Data<State>,
    Query(query): Query<AccountQuery>,
) -> Result<web::Json<PageBody<OwnedAccountBody>>, Problem> {
    let list = ListId::for_operators(ListKind::WhatsAppAccounts);
    let page = page_request(&state.cursor_key, list, query.limit, query.cursor.as_deref())?;
    let mut tx = state.database.directory().await?;
    let outcome = AccountDirectory::all_accounts(&mut *tx, query.only_pending(), &page).await;
    let page = settle(tx, outcome).await?;
    Ok(web::Json(PageBody::from_page(page, &state.cursor_key, list)))
}

/// Approve a WhatsApp number
///
/// The tenant receives the number's messages, including those that arrived before.
#[utoipa::path(
    post,
    path = "/platform/whatsapp-accounts/{id}/approve",
    operation_id = "approveWhatsAppAccount",
    tag = tag::PLATFORM,
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
    let mut tx = state.database.directory().await?;
    let outcome = approve_account(operate.operator(), &mut *tx, id, operate.origin(), &*state.clock).await;
    settle(tx, outcome).await?;
    state.wake_relay.notify_one();
    Ok(HttpResponse::NoContent().finish())
}

impl From<AccountWithTenant> for OwnedAccountBody {
    fn from(owned: AccountWithTenant) -> Self {
        Self { tenant: owned.tenant, account: owned.account.into() }
    }
}

impl From<ApproveAccountError> for Problem {
    fn from(error: ApproveAccountError) -> Self {
        match error {
            ApproveAccountError::NotPending => Self::new(Code::NotFound),
            ApproveAccountError::NumberInUse => Self::new(Code::NumberInUse),
            ApproveAccountError::Store(error) => error.into(),
        }
    }
}
