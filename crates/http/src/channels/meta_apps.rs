use actix_web::{HttpResponse, web};
use channels::{
    ChangeMetaAppError, CreateMetaAppError, DeleteMetaAppError, MetaApp, MetaAppPatch, MetaId, NewAccount, NewMetaApp,
    SecretsError, UnusableEvents, meta_apps,
};
use chrono::{DateTime, NaiveDate, Utc};
use flows::{change_meta_app, create_meta_app, delete_meta_app};
use kernel::{Change, ChannelsRead, ChannelsWrite, Grant as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use whatsapp::{AppSecret, MetaAppKey, VerifyToken};

use crate::auth::Allow;
use crate::cursor::ListKind;
use crate::extract::{Json, Listing, PageQuery, PathKey, member};
use crate::idempotency::{IdempotencyHeader, IdempotentJson};
use crate::page::PageBody;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;
use crate::validation::Validation;

/// A Meta app of the tenant. Its secrets cannot be read back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateMetaApp)]
pub(crate) struct CreateBody {
    /// Meta's app id; digits.
    #[schema(example = "1234567890123456", format = "meta-id")]
    app_id: String,
    /// 1 to 120 characters.
    #[schema(example = "Our own app", format = "name")]
    name: Option<String>,
    /// The app secret from the app's basic settings at Meta, which signs its deliveries.
    #[schema(example = "0123456789abcdef0123456789abcdef", format = "app-secret", write_only)]
    app_secret: String,
    /// The previous app secret, accepted for 8 days or until it is cleared.
    #[schema(format = "app-secret", write_only)]
    previous_app_secret: Option<String>,
    /// Any text; enter the same as "verify token" when you register the webhook with Meta.
    #[schema(example = "a long random text", format = "verify-token", write_only)]
    verify_token: String,
}

/// A JSON Merge Patch (RFC 7396): absent members are kept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MetaAppPatch)]
pub(crate) struct PatchBody {
    /// Null clears it.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<String>, example = "Our own app", format = "name")]
    name: Change<String>,
    /// The current secret becomes the previous one for 8 days, unless `previous_app_secret` is also given.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = String, required = false, format = "app-secret", write_only)]
    app_secret: Change<String>,
    /// Accepted for 8 days. Null: deliveries signed with it are refused from now on.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<String>, format = "app-secret", write_only)]
    previous_app_secret: Change<String>,
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = String, required = false, format = "verify-token", write_only)]
    verify_token: Change<String>,
}

/// A Meta app of the tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MetaApp)]
pub(crate) struct MetaAppBody {
    /// Parley's key of the app, used as `app` of an account.
    #[schema(example = "5f0c1c7a9d2e4b6880aa13c4d7e9f2ab40c5d6e7")]
    key: String,
    /// Meta's app id.
    #[schema(example = "1234567890123456")]
    app_id: String,
    #[schema(required, example = "Our own app")]
    name: Option<String>,
    /// Path of the callback URL to register with Meta, after this deployment's base URL.
    #[schema(example = "/webhooks/whatsapp/5f0c1c7a9d2e4b6880aa13c4d7e9f2ab40c5d6e7")]
    webhook_path: String,
    /// Whether deliveries signed with the previous secret are also accepted.
    has_previous_secret: bool,
    /// When deliveries signed with the previous secret will be refused: 8 days after the rotation. Null if there is none.
    #[schema(required)]
    previous_secret_ends_at: Option<DateTime<Utc>>,
    /// When Meta verified the webhook.
    handshake: HandshakeBody,
    /// What Parley could not use on the last day with such events. Null if there was none within the retention period.
    #[schema(required)]
    unusable_events: Option<UnusableEventsBody>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// The last verifications of a webhook by Meta.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MetaAppHandshake)]
pub(crate) struct HandshakeBody {
    #[schema(required)]
    succeeded_at: Option<DateTime<Utc>>,
    /// The verify token entered at Meta was not the app's.
    #[schema(required)]
    failed_at: Option<DateTime<Utc>>,
}

/// Events of a day that cannot be parsed, or whose number is not connected.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnusableEvents)]
pub(crate) struct UnusableEventsBody {
    /// In UTC.
    day: NaiveDate,
    /// Events that were stored. They are processed when their number is connected.
    stored: i64,
    /// Events beyond the app's quota, which were not stored.
    dropped: i64,
    /// The last number that was not connected; null if it is connected now.
    #[schema(required)]
    unconnected_number: Option<UnconnectedNumberBody>,
}

/// A number that a delivery named and that is not connected to the app.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnconnectedNumber)]
pub(crate) struct UnconnectedNumberBody {
    #[schema(example = "123456123")]
    phone_number_id: String,
    /// When the delivery was received.
    at: DateTime<Utc>,
    /// What to do, for people.
    #[schema(example = "Connect the number with POST /whatsapp-accounts and this app's key.")]
    advice: String,
}

/// Add a Meta app
///
/// Numbers connected to it are active at once, because only deliveries signed with its secret reach them.
#[utoipa::path(
    post,
    path = "/meta-apps",
    operation_id = "createMetaApp",
    tag = tags::CHANNELS,
    security(("bearer" = [ChannelsWrite::PERMISSION])),
    params(IdempotencyHeader),
    request_body = CreateBody,
    responses((status = 201, description = "Added", body = MetaAppBody)),
)]
pub(crate) async fn create(
    allow: Allow<ChannelsWrite>,
    state: web::Data<State>,
    body: IdempotentJson<CreateBody>,
) -> Result<HttpResponse, Problem> {
    let (body, guard) = body.into_parts();
    let app = body.check()?;
    let (entropy, clock) = (&*state.auth.entropy, &*state.clock);
    let origin = allow.origin();
    guard
        .create(&state, allow, async |permit, tx| {
            let app = create_meta_app(permit, tx, app, &state.key_ring, origin, entropy, clock).await;
            app.map(MetaAppBody::from)
        })
        .await
}

/// List the tenant's Meta apps
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/meta-apps",
    operation_id = "listMetaApps",
    tag = tags::CHANNELS,
    security(("bearer" = [ChannelsRead::PERMISSION])),
    params(PageQuery),
    responses((status = 200, description = "A page of apps", body = PageBody<MetaAppBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    allow: Allow<ChannelsRead>,
    state: web::Data<State>,
    listing: Listing,
) -> Result<web::Json<PageBody<MetaAppBody>>, Problem> {
    state
        .list(allow, ListKind::MetaApps, &listing.page, async |permit, tx, page| {
            meta_apps(permit, tx, page, &*state.clock).await
        })
        .await
}

/// Change a Meta app
///
/// A JSON Merge Patch. After a reset of the secret at Meta, set the new one here: deliveries signed with either are
/// accepted until the previous one ends after 8 days, or is cleared. Meta sends deliveries that were refused in between
/// again.
#[utoipa::path(
    patch,
    path = "/meta-apps/{key}",
    operation_id = "changeMetaApp",
    tag = tags::CHANNELS,
    security(("bearer" = [ChannelsWrite::PERMISSION])),
    params(("key" = String, Path, description = "The app's key")),
    request_body(
        content((PatchBody = "application/merge-patch+json"), (PatchBody = "application/json")),
    ),
    responses((status = 200, description = "The changed resource", body = MetaAppBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn change(
    allow: Allow<ChannelsWrite>,
    state: web::Data<State>,
    PathKey(key): PathKey<MetaAppKey>,
    body: Json<PatchBody>,
) -> Result<web::Json<MetaAppBody>, Problem> {
    let patch = body.into_inner().check()?;
    let (key_ring, entropy, clock) = (&state.key_ring, &*state.auth.entropy, &*state.clock);
    let origin = allow.origin();
    let app = state
        .in_tenant(allow, async |permit, tx| {
            change_meta_app(permit, tx, &key, patch, key_ring, origin, entropy, clock).await
        })
        .await?;
    state.app_cache.forget(&app.key);
    Ok(web::Json(app.into()))
}

/// Delete a Meta app
///
/// Deletes its secrets; its deliveries are refused. Numbers connected to it must be disconnected first.
#[utoipa::path(
    delete,
    path = "/meta-apps/{key}",
    operation_id = "deleteMetaApp",
    tag = tags::CHANNELS,
    security(("bearer" = [ChannelsWrite::PERMISSION])),
    params(("key" = String, Path, description = "The app's key")),
    responses((status = 204, description = "Deleted")),
    extensions(("x-problems" = json!([Code::NotFound, Code::AppInUse]))),
)]
pub(crate) async fn delete(
    allow: Allow<ChannelsWrite>,
    state: web::Data<State>,
    PathKey(key): PathKey<MetaAppKey>,
) -> Result<HttpResponse, Problem> {
    let origin = allow.origin();
    state.in_tenant(allow, async |permit, tx| delete_meta_app(permit, tx, &key, origin, &*state.clock).await).await?;
    state.app_cache.forget(&key);
    Ok(HttpResponse::NoContent().finish())
}

fn app_secret(text: String) -> Result<AppSecret, whatsapp::InvalidSecret> {
    AppSecret::parse(text.into())
}

fn verify_token(text: String) -> Result<VerifyToken, whatsapp::InvalidVerifyToken> {
    VerifyToken::parse(text.into())
}

impl CreateBody {
    fn check(self) -> Result<NewMetaApp, Problem> {
        let mut validation = Validation::default();
        let app_id = validation.field("/app_id", MetaId::parse(&self.app_id));
        let name = self.name.and_then(|name| validation.field("/name", NewAccount::parse_text(&name)));
        let secret = validation.field("/app_secret", app_secret(self.app_secret));
        let previous = self.previous_app_secret;
        let previous_app_secret =
            previous.and_then(|secret| validation.field("/previous_app_secret", app_secret(secret)));
        let token = validation.field("/verify_token", verify_token(self.verify_token));
        match (app_id, secret, token, validation.is_valid()) {
            (Some(app_id), Some(app_secret), Some(verify_token), true) => {
                Ok(NewMetaApp { app_id, name, app_secret, previous_app_secret, verify_token })
            }
            _ => Err(validation.into_problem()),
        }
    }
}

impl PatchBody {
    fn check(self) -> Result<MetaAppPatch, Problem> {
        let mut validation = Validation::default();
        let patch = MetaAppPatch {
            name: validation.change("/name", self.name, |name| NewAccount::parse_text(&name)),
            app_secret: validation.replacement("/app_secret", self.app_secret, app_secret),
            previous_app_secret: validation.change("/previous_app_secret", self.previous_app_secret, app_secret),
            verify_token: validation.replacement("/verify_token", self.verify_token, verify_token),
        };
        if validation.is_valid() { Ok(patch) } else { Err(validation.into_problem()) }
    }
}

impl From<MetaApp> for MetaAppBody {
    fn from(app: MetaApp) -> Self {
        let key = app.key.as_str();
        let previous = app.secrets.previous_app_secret.as_ref();
        Self {
            webhook_path: format!("/webhooks/whatsapp/{key}"),
            key: key.to_owned(),
            app_id: app.app_id.as_str().to_owned(),
            name: app.name,
            has_previous_secret: previous.is_some(),
            previous_secret_ends_at: previous.map(|previous| previous.ends_at),
            handshake: HandshakeBody { succeeded_at: app.handshakes.succeeded_at, failed_at: app.handshakes.failed_at },
            unusable_events: app.unusable.map(UnusableEventsBody::from),
            created_at: app.created_at,
            updated_at: app.updated_at,
        }
    }
}

impl From<UnusableEvents> for UnusableEventsBody {
    fn from(events: UnusableEvents) -> Self {
        let unconnected_number = events.unconnected_number.map(|number| UnconnectedNumberBody {
            advice: number.advice().to_owned(),
            phone_number_id: number.phone_number_id,
            at: number.at,
        });
        Self { day: events.day, stored: events.stored, dropped: events.dropped, unconnected_number }
    }
}

impl From<SecretsError> for Problem {
    fn from(error: SecretsError) -> Self {
        Self::internal(error)
    }
}

impl From<CreateMetaAppError> for Problem {
    fn from(error: CreateMetaAppError) -> Self {
        match error {
            CreateMetaAppError::Store(error) => error.into(),
            CreateMetaAppError::Secrets(error) => error.into(),
        }
    }
}

impl From<ChangeMetaAppError> for Problem {
    fn from(error: ChangeMetaAppError) -> Self {
        match error {
            ChangeMetaAppError::Unknown => Self::not_found(),
            ChangeMetaAppError::Store(error) => error.into(),
            ChangeMetaAppError::Secrets(error) => error.into(),
        }
    }
}

impl From<DeleteMetaAppError> for Problem {
    fn from(error: DeleteMetaAppError) -> Self {
        match error {
            DeleteMetaAppError::Unknown => Self::not_found(),
            DeleteMetaAppError::InUse => Self::new(Code::AppInUse),
            DeleteMetaAppError::Store(error) => error.into(),
        }
    }
}
