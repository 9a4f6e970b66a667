use actix_web::{HttpResponse, web};
use flows::{ApproveAccountError, approve_account, settle};
use inbound::{AccountDirectory, OwnedAccount};
use kernel::ids::AccountId;
use serde::Serialize;
use tokens::ScopeGrant as _;
use tokens::scope::{ChannelsRead, ChannelsWrite};
use utoipa::ToSchema;

use super::account_query::AccountQuery;
use crate::http::State;
use crate::http::channels::whatsapp_accounts::AccountBody;
use crate::http::cursor::{List, ListKind};
use crate::http::extract::{PathId, Query, page_request};
use crate::http::openapi::tag;
use crate::http::operators::Operate;
use crate::http::page::PageBody;
use crate::http::problem::{Code, Problem};

/// A WhatsApp number and whose it is.
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
    let list = List::of_operators(ListKind::WhatsAppAccounts);
    let page = page_request(&state.cursor_key, list, query.limit, query.cursor.as_deref())?;
    let mut tx = state.identity.database.directory().await?;
    let outcome = AccountDirectory::all_accounts(&mut *tx, query.only_pending(), &page).await;
    let page = settle(tx, outcome).await?;
    Ok(web::Json(PageBody::of(page, &state.cursor_key, list)))
}

/// Approve a WhatsApp number
///
/// From now on the tenant that claimed it receives its messages, those too that came for it before.
#[utoipa::path(
    post,
    path = "/platform/whatsapp-accounts/{id}/approve",
    operation_id = "approveWhatsAppAccount",
    tag = tag::PLATFORM,
    security(("provisioning_key" = [ChannelsWrite::SCOPE])),
    params(("id" = Uuid, Path, description = "The account's id")),
    responses((status = 204, description = "It is active")),
    extensions(("x-problems" = json!([Code::NotFound, Code::NumberInUse]))),
)]
pub(crate) async fn approve(
    operate: Operate<ChannelsWrite>,
    state: web::Data<State>,
    PathId(id): PathId<AccountId>,
) -> Result<HttpResponse, Problem> {
    let identity = &state.identity;
    let mut tx = identity.database.directory().await?;
    let outcome = approve_account(operate.operator(), &mut *tx, id, operate.origin(), &*identity.clock).await;
    settle(tx, outcome).await?;
    state.nudge.notify_one();
    Ok(HttpResponse::NoContent().finish())
}

impl From<OwnedAccount> for OwnedAccountBody {
    fn from(owned: OwnedAccount) -> Self {
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
