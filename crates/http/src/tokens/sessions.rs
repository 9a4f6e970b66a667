use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use flows::{end_session, sessions, settle};
use kernel::TenantScope;
use kernel::ids::SessionId;
use serde::Serialize;
use tokens::Session;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::State;
use crate::auth::Authenticated;
use crate::cursor::{ListId, ListKind};
use crate::extract::{OriginOfRequest, PageQuery, PathId, Query, page_request};
use crate::openapi::tag;
use crate::page::PageBody;
use crate::problem::{Code, Problem};

/// A session of the caller.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionBody {
    id: Uuid,
    /// Whether this request uses it.
    current: bool,
    created_at: DateTime<Utc>,
    /// Start or last refresh of the session.
    last_seen_at: DateTime<Utc>,
    /// The session ends at this time unless it is refreshed before.
    idle_expires_at: DateTime<Utc>,
    /// Expiry of the session; refreshing does not extend it.
    expires_at: DateTime<Utc>,
    /// The client's IP address at login.
    #[schema(required, example = "203.0.113.7")]
    address: Option<String>,
    #[schema(required, example = "Mozilla/5.0")]
    user_agent: Option<String>,
}

/// List your sessions
///
/// Active sessions, newest first.
#[utoipa::path(
    get,
    path = "/auth/sessions",
    operation_id = "listSessions",
    tag = tag::AUTH,
    security(("bearer" = [])),
    params(PageQuery),
    responses((status = 200, description = "A page of sessions", body = PageBody<SessionBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    Authenticated(access): Authenticated,
    state: web::Data<State>,
    Query(query): Query<PageQuery>,
) -> Result<web::Json<PageBody<SessionBody>>, Problem> {
    let list = ListId { kind: ListKind::Sessions(access.user.id), tenant: access.tenant.id };
    let page = page_request(&state.cursor_key, list, query.limit, query.cursor.as_deref())?;
    #[expect(clippy::disallowed_methods, reason = "the caller's access token names the tenant, and was verified")]
    let mut tx = state.database.tenant(&TenantScope::mint(access.tenant.id)).await?;
    let outcome = sessions(&access, &mut *tx, &page, &*state.clock).await;
    let page = settle(tx, outcome).await?;
    let page = kernel::Page {
        items: page.items.into_iter().map(|session| SessionBody::of(session, access.session.id)).collect(),
        next: page.next,
    };
    Ok(web::Json(PageBody::from_page(page, &state.cursor_key, list)))
}

/// End a session
///
/// The session must be the caller's. Its tokens are refused from the next request on.
#[utoipa::path(
    delete,
    path = "/auth/sessions/{id}",
    operation_id = "endSession",
    tag = tag::AUTH,
    security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The session's id")),
    responses((status = 204, description = "The session has ended")),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn end(
    Authenticated(access): Authenticated,
    OriginOfRequest(origin): OriginOfRequest,
    state: web::Data<State>,
    PathId(id): PathId<SessionId>,
) -> Result<HttpResponse, Problem> {
    #[expect(clippy::disallowed_methods, reason = "the caller's access token names the tenant, and was verified")]
    let mut tx = state.database.tenant(&TenantScope::mint(access.tenant.id)).await?;
    let outcome = end_session(&access, &mut *tx, id, origin, &*state.clock).await;
    if settle(tx, outcome).await? { Ok(HttpResponse::NoContent().finish()) } else { Err(Problem::new(Code::NotFound)) }
}

impl SessionBody {
    fn of(session: Session, current: SessionId) -> Self {
        Self {
            id: session.id.as_uuid(),
            current: session.id == current,
            created_at: session.created_at,
            last_seen_at: session.last_seen_at,
            idle_expires_at: session.idle_expires_at,
            expires_at: session.expires_at,
            address: session.client.address.map(|address| address.to_string()),
            user_agent: session.client.user_agent,
        }
    }
}
