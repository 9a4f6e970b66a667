use actix_web::{HttpResponse, web};
use channels::{AccountStatus, MetaId, NewAccount, WhatsAppAccount, account, accounts};
use chrono::{DateTime, Utc};
use flows::{ConnectAccountError, connect_account, disconnect_account};
use kernel::ids::AccountId;
use kernel::{ChannelsRead, ChannelsWrite, Grant as _, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;
use whatsapp::{InvalidMetaAppKey, MetaAppKey};

use super::check_whatsapp_account::AccountCheckBody;
use super::sending_state::SendingBody;

use crate::auth::Allow;
use crate::cursor::ListKind;
use crate::extract::{Listing, PageQuery, PathId};
use crate::idempotency::{IdempotencyHeader, IdempotentJson};
use crate::page::PageBody;
use crate::problem::{Code, FieldError, Problem};
use crate::requeue_held_and_unroutable::requeue_held_and_unroutable;
use crate::state::State;
use crate::tags;
use crate::validation::Validation;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConnectWhatsAppAccount)]
pub(crate) struct ConnectBody {
    /// Meta's phone number id; digits.
    #[schema(example = "106540352242922", format = "meta-id")]
    phone_number_id: String,
    /// Meta's id of the WhatsApp Business Account; digits.
    #[schema(example = "102290129340398", format = "meta-id")]
    waba_id: String,
    /// The number in readable form.
    #[schema(example = "+1 555 010 0001", format = "name")]
    display_phone_number: Option<String>,
    #[schema(example = "Support", format = "name")]
    name: Option<String>,
    /// The Meta app that receives the number's messages: the key of one of the tenant's apps; null or absent for the
    /// deployment's app.
    #[schema(example = json!(null), format = "app-key")]
    app: Option<String>,
}

const APP: &str = "/app";

/// A WhatsApp number of the tenant.
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
    /// Key of the tenant's Meta app; null for the deployment's app.
    #[schema(required)]
    app: Option<String>,
    status: AccountStatusBody,
    /// Meta's latest report about the number by topic, each with time (`at`) and content (`detail`). Empty until Meta
    /// reports something.
    #[schema(value_type = HashMap<String, Object>, example = json!({}))]
    health: Map<String, Value>,
    /// The last event of the number that was processed. Null if there is none.
    #[schema(required)]
    last_delivery: Option<LastDeliveryBody>,
    /// Whether messages can be sent. The secrets themselves are never returned.
    sending: SendingBody,
    /// Messages sent in a second at most.
    #[schema(example = 80, minimum = 1, maximum = 1000)]
    throughput: u16,
    /// Whether customers see that their messages were read.
    send_read_receipts: bool,
    /// What Meta said when it was last asked about the account. Null if it was not.
    #[schema(required)]
    last_check: Option<AccountCheckBody>,
    waiting_media: WaitingMediaBody,
    created_at: DateTime<Utc>,
}

/// Files of its messages that are still at WhatsApp, which keeps them for seven days. They are fetched as soon as the account has an
/// access token that can be used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WaitingMedia)]
pub(crate) struct WaitingMediaBody {
    files: u64,
    /// When WhatsApp deletes the first of them.
    #[schema(required)]
    first_ends_at: Option<DateTime<Utc>>,
}

/// An event of a delivery.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LastDelivery)]
pub(crate) struct LastDeliveryBody {
    /// When it was received.
    at: DateTime<Utc>,
    /// `message`, `status`, or the name of Meta's webhook field.
    #[schema(example = "message")]
    kind: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WhatsAppAccountStatus)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccountStatusBody {
    /// Waiting for an operator's approval.
    Pending,
    /// Receives messages.
    Active,
    /// Receives no messages; its history is kept. If Meta disconnected it, it is active again as soon as Meta reports so, or delivers
    /// something for the number.
    Disconnected,
}

/// Connect a WhatsApp number
///
/// On a Meta app of the tenant the number is active at once. On the deployment's app an operator must approve it,
/// unless the deployment is self-service. Deliveries that arrived for the number before are processed once it is
/// active.
#[utoipa::path(
    post,
    path = "/whatsapp-accounts",
    operation_id = "connectWhatsAppAccount",
    tag = tags::CHANNELS,
    security(("bearer" = [ChannelsWrite::PERMISSION])),
    params(IdempotencyHeader),
    request_body = ConnectBody,
    responses((status = 201, description = "Connected, or pending", body = AccountBody)),
    extensions(("x-problems" = json!([Code::AccountExists, Code::NumberInUse]))),
)]
pub(crate) async fn connect(
    allow: Allow<ChannelsWrite>,
    state: web::Data<State>,
    body: IdempotentJson<ConnectBody>,
) -> Result<HttpResponse, Problem> {
    let (body, guard) = body.into_parts();
    let account = body.check()?;
    let clock = &*state.clock;
    let origin = allow.origin();
    let mut is_active = false;
    let response = guard
        .create(&state, allow, async |permit, tx| {
            let account = connect_account(permit, tx, account, state.self_service, origin, clock).await?;
            is_active = account.status == AccountStatus::Active;
            Ok::<_, ConnectAccountError>(AccountBody::of(account, clock.now()))
        })
        .await?;
    if is_active {
        requeue_held_and_unroutable(&state);
    }
    Ok(response)
}

/// List the connected WhatsApp numbers
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/whatsapp-accounts",
    operation_id = "listWhatsAppAccounts",
    tag = tags::CHANNELS,
    security(("bearer" = [ChannelsRead::PERMISSION])),
    params(PageQuery),
    responses((status = 200, description = "A page of accounts", body = PageBody<AccountBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    allow: Allow<ChannelsRead>,
    state: web::Data<State>,
    listing: Listing,
) -> Result<web::Json<PageBody<AccountBody>>, Problem> {
    let now = state.clock.now();
    state
        .list(allow, ListKind::WhatsAppAccounts, &listing.page, async |permit, tx, page| {
            Ok::<_, StoreError>(accounts(permit, tx, page).await?.map(|account| AccountBody::of(account, now)))
        })
        .await
}

/// Read a WhatsApp number
#[utoipa::path(
    get,
    path = "/whatsapp-accounts/{id}",
    operation_id = "readWhatsAppAccount",
    tag = tags::CHANNELS,
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
    let account = state
        .in_tenant(allow, async |permit, tx| account(permit, tx, id).await)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(web::Json(AccountBody::of(account, state.clock.now())))
}

/// Disconnect a WhatsApp number
///
/// Its conversations are kept and get no more messages; its access token and PIN are deleted. Later deliveries are stored until the retention period ends,
/// and processed if the number is connected again, as a new account. Disconnecting again changes nothing.
#[utoipa::path(
    delete,
    path = "/whatsapp-accounts/{id}",
    operation_id = "disconnectWhatsAppAccount",
    tag = tags::CHANNELS,
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
    let clock = &*state.clock;
    let origin = allow.origin();
    let disconnected =
        state.in_tenant(allow, async |permit, tx| disconnect_account(permit, tx, id, origin, clock).await).await?;
    if disconnected { Ok(HttpResponse::NoContent().finish()) } else { Err(Problem::not_found()) }
}

impl ConnectBody {
    fn check(self) -> Result<NewAccount, Problem> {
        let mut validation = Validation::default();
        let phone_number_id = validation.field("/phone_number_id", MetaId::parse(&self.phone_number_id));
        let waba_id = validation.field("/waba_id", MetaId::parse(&self.waba_id));
        let mut text = |pointer: &str, text: Option<String>| {
            text.and_then(|text| validation.field(pointer, NewAccount::parse_text(&text)))
        };
        let display_phone_number = text("/display_phone_number", self.display_phone_number);
        let name = text("/name", self.name);
        let app = match self.app {
            None => Some(MetaAppKey::deployment()),
            Some(key) => validation.field(APP, key.parse()),
        };
        match (app, phone_number_id, waba_id, validation.is_valid()) {
            (Some(app), Some(phone_number_id), Some(waba_id), true) => {
                Ok(NewAccount { app, phone_number_id, waba_id, display_phone_number, name })
            }
            _ => Err(validation.into_problem()),
        }
    }
}

impl AccountBody {
    pub(crate) fn of(account: WhatsAppAccount, now: DateTime<Utc>) -> Self {
        Self {
            sending: SendingBody::of(&account, now),
            throughput: account.throughput.per_second(),
            send_read_receipts: account.send_read_receipts,
            id: account.id.as_uuid(),
            phone_number_id: account.phone_number_id.as_str().to_owned(),
            waba_id: account.waba_id.as_str().to_owned(),
            display_phone_number: account.display_phone_number,
            name: account.name,
            app: account.app.tenant_key().map(str::to_owned),
            status: match account.status {
                AccountStatus::Pending => AccountStatusBody::Pending,
                AccountStatus::Active => AccountStatusBody::Active,
                AccountStatus::Disconnected(_) => AccountStatusBody::Disconnected,
            },
            health: account.health,
            last_delivery: account
                .last_delivery
                .map(|last| LastDeliveryBody { at: last.at, kind: last.kind.to_string() }),
            last_check: account.last_check.map(AccountCheckBody::from),
            waiting_media: WaitingMediaBody {
                files: account.waiting_media.files,
                first_ends_at: account.waiting_media.first_ends_at,
            },
            created_at: account.created_at,
        }
    }
}

impl From<ConnectAccountError> for Problem {
    fn from(error: ConnectAccountError) -> Self {
        match error {
            ConnectAccountError::AlreadyConnected => Self::new(Code::AccountExists),
            ConnectAccountError::InUse => Self::new(Code::NumberInUse),
            // The same error as for a malformed key.
            ConnectAccountError::UnknownApp => {
                let error = FieldError::in_body(APP, "invalid", InvalidMetaAppKey.to_string());
                Self::new(Code::ValidationFailed).with_errors(vec![error])
            }
            ConnectAccountError::Store(error) => error.into(),
        }
    }
}
