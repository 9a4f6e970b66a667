use actix_web::http::StatusCode;
use actix_web::web;
use chrono::{DateTime, Utc};
use flows::{ConnectAccountError, connect_account, settle};
use inbound::{AccountStatus, MetaId, NewAccount, WhatsAppAccount, accounts};
use kernel::{ChannelsRead, ChannelsWrite, Grant as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::State;
use crate::http::auth::Allow;
use crate::http::cursor::{List, ListKind};
use crate::http::extract::{Json, PageQuery, Query, page_request};
use crate::http::openapi::tag;
use crate::http::page::PageBody;
use crate::http::problem::{Code, FieldError, Problem};
use crate::http::validation::Validation;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConnectWhatsAppAccount)]
pub(crate) struct ConnectBody {
    /// Meta's id of the number: digits.
    #[schema(example = "106540352242922")]
    phone_number_id: String,
    /// Meta's id of the WhatsApp Business Account: digits.
    #[schema(example = "102290129340398")]
    waba_id: String,
    /// The number as people write it.
    #[schema(example = "+1 555 010 0001")]
    display_phone_number: Option<String>,
    #[schema(example = "Support")]
    name: Option<String>,
    /// Which Meta app receives the number's messages; null or missing is the deployment's own, the only one for now.
    #[schema(example = json!(null))]
    app: Option<String>,
}

/// A WhatsApp number that the tenant connected.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WhatsAppAccount)]
pub(crate) struct AccountBody {
    id: Uuid,
    #[schema(example = "106540352242922")]
    phone_number_id: String,
    #[schema(example = "102290129340398")]
    waba_id: String,
    #[schema(required, example = "+1 555 010 0001")]
    display_phone_number: Option<String>,
    #[schema(required, example = "Support")]
    name: Option<String>,
    /// Null: the deployment's own Meta app.
    #[schema(required)]
    app: Option<String>,
    status: AccountStatusBody,
    /// What Meta says about the number; null as long as nothing is known.
    #[schema(value_type = Option<Object>, required)]
    health: (),
    created_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WhatsAppAccountStatus)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccountStatusBody {
    /// An operator has to approve it.
    Pending,
    /// Its messages arrive here.
    Active,
    /// History only.
    Disconnected,
}

/// Connect a WhatsApp number
///
/// On the deployment's own Meta app the claim has to be approved by an operator, unless the deployment is self-service.
#[utoipa::path(
    post,
    path = "/whatsapp-accounts",
    operation_id = "connectWhatsAppAccount",
    tag = tag::CHANNELS,
    security(("bearer" = [ChannelsWrite::PERMISSION])),
    request_body = ConnectBody,
    responses((status = 201, description = "Connected, or pending", body = AccountBody)),
    extensions(("x-problems" = json!([Code::AccountExists, Code::NumberInUse]))),
)]
pub(crate) async fn connect(
    allow: Allow<ChannelsWrite>,
    state: web::Data<State>,
    body: Json<ConnectBody>,
) -> Result<(web::Json<AccountBody>, StatusCode), Problem> {
    let account = body.into_inner().check()?;
    let identity = &state.identity;
    let mut tx = identity.database.tenant(allow.scope()).await?;
    let outcome = connect_account(allow.permit(), &mut *tx, account, state.self_service, &*identity.clock).await;
    let account = settle(tx, outcome).await?;
    Ok((web::Json(account.into()), StatusCode::CREATED))
}

/// List the connected WhatsApp numbers
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/whatsapp-accounts",
    operation_id = "listWhatsAppAccounts",
    tag = tag::CHANNELS,
    security(("bearer" = [ChannelsRead::PERMISSION])),
    params(PageQuery),
    responses((status = 200, description = "A page of accounts", body = PageBody<AccountBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    allow: Allow<ChannelsRead>,
    state: web::Data<State>,
    Query(query): Query<PageQuery>,
) -> Result<web::Json<PageBody<AccountBody>>, Problem> {
    let list = List { kind: ListKind::WhatsAppAccounts, tenant: allow.scope().tenant() };
    let page = page_request(&state.cursor_key, list, query.limit, query.cursor.as_deref())?;
    let mut tx = state.identity.database.tenant(allow.scope()).await?;
    let outcome = accounts(allow.permit(), &mut *tx, &page).await;
    let page = settle(tx, outcome).await?;
    Ok(web::Json(PageBody::of(page, &state.cursor_key, list)))
}

impl ConnectBody {
    fn check(self) -> Result<NewAccount, Problem> {
        let mut validation = Validation::default();
        let phone_number_id = validation.field("/phone_number_id", MetaId::parse(&self.phone_number_id));
        let waba_id = validation.field("/waba_id", MetaId::parse(&self.waba_id));
        let mut text = |pointer: &str, text: Option<String>| {
            text.and_then(|text| validation.field(pointer, NewAccount::check_text(&text)))
        };
        let display_phone_number = text("/display_phone_number", self.display_phone_number);
        let name = text("/name", self.name);
        if self.app.is_some() {
            let detail = "must be null or missing: only the deployment's own Meta app can be used for now";
            validation.note(FieldError::at("/app", "unsupported", detail));
        }
        match (phone_number_id, waba_id, validation.is_clean()) {
            (Some(phone_number_id), Some(waba_id), true) => {
                Ok(NewAccount { phone_number_id, waba_id, display_phone_number, name })
            }
            _ => Err(validation.into_problem()),
        }
    }
}

impl From<WhatsAppAccount> for AccountBody {
    fn from(account: WhatsAppAccount) -> Self {
        Self {
            id: account.id.as_uuid(),
            phone_number_id: account.phone_number_id.as_str().to_owned(),
            waba_id: account.waba_id.as_str().to_owned(),
            display_phone_number: account.display_phone_number,
            name: account.name,
            app: None,
            status: match account.status {
                AccountStatus::Pending => AccountStatusBody::Pending,
                AccountStatus::Active => AccountStatusBody::Active,
                AccountStatus::Disconnected => AccountStatusBody::Disconnected,
            },
            health: (),
            created_at: account.created_at,
        }
    }
}

impl From<ConnectAccountError> for Problem {
    fn from(error: ConnectAccountError) -> Self {
        match error {
            ConnectAccountError::AlreadyConnected => Self::new(Code::AccountExists),
            ConnectAccountError::InUse => Self::new(Code::NumberInUse),
            ConnectAccountError::Store(error) => error.into(),
        }
    }
}
