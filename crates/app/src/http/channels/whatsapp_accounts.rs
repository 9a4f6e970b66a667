use actix_web::{HttpResponse, web};
use audit::{Action, target};
use chrono::{DateTime, Utc};
use flows::{ConnectAccountError, audited, connect_account, settle};
use inbound::{
    AccountPatch, AccountStatus, InvalidMetaAppKey, MetaAppKey, MetaId, NewAccount, WhatsAppAccount, account, accounts,
    change_account, disconnect_account,
};
use kernel::ids::AccountId;
use kernel::{Change, ChannelsRead, ChannelsWrite, Grant as _};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::State;
use crate::http::auth::Allow;
use crate::http::cursor::{List, ListKind};
use crate::http::extract::{Json, PageQuery, PathId, Query, member, page_request};
use crate::http::once::{Begun, IdempotencyHeader, Once};
use crate::http::openapi::tag;
use crate::http::page::PageBody;
use crate::http::problem::{Code, FieldError, Problem};
use crate::http::validation::Validation;
use crate::http::waiting::drive_waiting;

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
    /// Which Meta app receives the number's messages: the key of one of the tenant's own, or the deployment's when it is null
    /// or missing.
    #[schema(example = json!(null))]
    app: Option<String>,
}

/// Members that are absent stay as they are (RFC 7396).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WhatsAppAccountPatch)]
pub(crate) struct PatchBody {
    /// Null: none.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<String>, example = "+1 555 010 0001")]
    display_phone_number: Change<String>,
    /// Null: none.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<String>, example = "Support")]
    name: Change<String>,
}

const APP: &str = "/app";

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
    /// The key of the tenant's own Meta app; null: the deployment's.
    #[schema(required)]
    app: Option<String>,
    status: AccountStatusBody,
    /// What Meta says about the number, by topic: when (`at`) and what (`detail`). Empty as long as nothing is known.
    #[schema(value_type = HashMap<String, Object>, example = json!({}))]
    health: Map<String, Value>,
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
/// On a Meta app of the tenant's own it is active at once. On the deployment's the claim has to be approved by an operator,
/// unless the deployment is self-service. What Meta sent for the number before is processed once it is active.
#[utoipa::path(
    post,
    path = "/whatsapp-accounts",
    operation_id = "connectWhatsAppAccount",
    tag = tag::CHANNELS,
    security(("bearer" = [ChannelsWrite::PERMISSION])),
    params(IdempotencyHeader),
    request_body = ConnectBody,
    responses((status = 201, description = "Connected, or pending", body = AccountBody)),
    extensions(("x-problems" = json!([Code::AccountExists, Code::NumberInUse]))),
)]
pub(crate) async fn connect(
    allow: Allow<ChannelsWrite>,
    state: web::Data<State>,
    body: Once<ConnectBody>,
) -> Result<HttpResponse, Problem> {
    let (body, attempt) = body.into_parts();
    let account = body.check()?;
    let mut tx = match attempt.begin(&state, &allow).await? {
        Begun::First(tx) => tx,
        Begun::Again(answer) => return Ok(answer),
    };
    let clock = &*state.identity.clock;
    let record = allow.record(Action::AccountConnected, clock);
    let outcome = connect_account(allow.permit(), &mut *tx, account, state.self_service, clock).await;
    let outcome = audited(&mut *tx, outcome, |account| {
        let number = account.phone_number_id.as_str();
        Some(record.about(target::WHATSAPP_ACCOUNT, &account.id).with("phone_number_id", number))
    })
    .await;
    let is_active = outcome.as_ref().is_ok_and(|account| account.status == AccountStatus::Active);
    let answer = tx.created(outcome.map(AccountBody::from)).await?;
    if is_active {
        drive_waiting(&state);
    }
    Ok(answer)
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

/// Read a WhatsApp number
#[utoipa::path(
    get,
    path = "/whatsapp-accounts/{id}",
    operation_id = "readWhatsAppAccount",
    tag = tag::CHANNELS,
    security(("bearer" = [ChannelsRead::PERMISSION])),
    params(("id" = Uuid, Path, description = "The account's id")),
    responses((status = 200, description = "The account", body = AccountBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn read(
    allow: Allow<ChannelsRead>,
    state: web::Data<State>,
    PathId(id): PathId<AccountId>,
) -> Result<web::Json<AccountBody>, Problem> {
    let mut tx = state.identity.database.tenant(allow.scope()).await?;
    let outcome = account(allow.permit(), &mut *tx, id).await;
    let account = settle(tx, outcome).await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(web::Json(account.into()))
}

/// Change a WhatsApp number
///
/// A JSON Merge Patch of what the tenant calls it. Its ids and its Meta app stay: another number is another account.
#[utoipa::path(
    patch,
    path = "/whatsapp-accounts/{id}",
    operation_id = "changeWhatsAppAccount",
    tag = tag::CHANNELS,
    security(("bearer" = [ChannelsWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The account's id")),
    request_body(
        content((PatchBody = "application/merge-patch+json"), (PatchBody = "application/json")),
    ),
    responses((status = 200, description = "As it is now", body = AccountBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn change(
    allow: Allow<ChannelsWrite>,
    state: web::Data<State>,
    PathId(id): PathId<AccountId>,
    body: Json<PatchBody>,
) -> Result<web::Json<AccountBody>, Problem> {
    let patch = body.into_inner().check()?;
    let clock = &*state.identity.clock;
    let record = allow.record(Action::AccountChanged, clock).about(target::WHATSAPP_ACCOUNT, &id);
    let mut tx = state.identity.database.tenant(allow.scope()).await?;
    let outcome = change_account(allow.permit(), &mut *tx, id, patch, clock).await;
    let outcome = audited(&mut *tx, outcome, |account| account.is_some().then_some(record)).await;
    let account = settle(tx, outcome).await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(web::Json(account.into()))
}

/// Disconnect a WhatsApp number
///
/// Its conversations stay and get no more messages. What Meta still sends is kept for a while, and processed if the number is
/// connected again: as a new account. Disconnecting once more changes nothing.
#[utoipa::path(
    delete,
    path = "/whatsapp-accounts/{id}",
    operation_id = "disconnectWhatsAppAccount",
    tag = tag::CHANNELS,
    security(("bearer" = [ChannelsWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The account's id")),
    responses((status = 204, description = "Disconnected")),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn disconnect(
    allow: Allow<ChannelsWrite>,
    state: web::Data<State>,
    PathId(id): PathId<AccountId>,
) -> Result<HttpResponse, Problem> {
    let clock = &*state.identity.clock;
    let record = allow.record(Action::AccountDisconnected, clock).about(target::WHATSAPP_ACCOUNT, &id);
    let mut tx = state.identity.database.tenant(allow.scope()).await?;
    let outcome = disconnect_account(allow.permit(), &mut *tx, id, clock).await;
    let outcome = audited(&mut *tx, outcome, |disconnected| disconnected.then_some(record)).await;
    if settle(tx, outcome).await? { Ok(HttpResponse::NoContent().finish()) } else { Err(Problem::new(Code::NotFound)) }
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
        let app = match self.app {
            None => Some(MetaAppKey::deployment()),
            Some(key) => validation.field(APP, key.parse()),
        };
        match (app, phone_number_id, waba_id, validation.is_clean()) {
            (Some(app), Some(phone_number_id), Some(waba_id), true) => {
                Ok(NewAccount { app, phone_number_id, waba_id, display_phone_number, name })
            }
            _ => Err(validation.into_problem()),
        }
    }
}

impl PatchBody {
    fn check(self) -> Result<AccountPatch, Problem> {
        let mut validation = Validation::default();
        let mut text = |pointer: &str, change: Change<String>| {
            validation.change(pointer, change, |text| NewAccount::check_text(&text))
        };
        let patch = AccountPatch {
            display_phone_number: text("/display_phone_number", self.display_phone_number),
            name: text("/name", self.name),
        };
        if validation.is_clean() { Ok(patch) } else { Err(validation.into_problem()) }
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
            app: account.app.of_tenant().map(str::to_owned),
            status: match account.status {
                AccountStatus::Pending => AccountStatusBody::Pending,
                AccountStatus::Active => AccountStatusBody::Active,
                AccountStatus::Disconnected(_) => AccountStatusBody::Disconnected,
            },
            health: account.health,
            created_at: account.created_at,
        }
    }
}

impl From<ConnectAccountError> for Problem {
    fn from(error: ConnectAccountError) -> Self {
        match error {
            ConnectAccountError::AlreadyConnected => Self::new(Code::AccountExists),
            ConnectAccountError::InUse => Self::new(Code::NumberInUse),
            // As one that cannot be a key at all.
            ConnectAccountError::UnknownApp => {
                let error = FieldError::at(APP, "invalid", InvalidMetaAppKey.to_string());
                Self::new(Code::ValidationFailed).with_errors(vec![error])
            }
            ConnectAccountError::Store(error) => error.into(),
        }
    }
}
