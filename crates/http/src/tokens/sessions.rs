use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use flows::{end_session, sessions};
use kernel::ids::SessionId;
use serde::Serialize;
use tokens::Session;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Authenticated;
use crate::cursor::{ListId, ListKind};
use crate::extract::{Listing, OriginOfRequest, PageQuery, PathId};
use crate::page::PageBody;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

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
    tag = tags::AUTH,
    security(("bearer" = [])),
    params(PageQuery),
    responses((status = 200, description = "A page of sessions", body = PageBody<SessionBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    Authenticated { access, scope }: Authenticated,
    state: web::Data<State>,
    listing: Listing,
) -> Result<web::Json<PageBody<SessionBody>>, Problem> {
    let list = ListId { kind: ListKind::Sessions(access.user.id), tenant: access.tenant.id };
    let request = listing.page.request(&state.cursor_key, list)?;
    let page = state.in_scope(&scope, async |tx| sessions(&access, tx, &request, &*state.clock).await).await?;
    let page = page.map(|session| SessionBody::new(session, access.session.id));
    Ok(web::Json(PageBody::from_page(page, &state.cursor_key, list)))
}

/// End a session
///
/// The session must be the caller's. Its tokens are refused from the next request on.
#[utoipa::path(
    delete,
    path = "/auth/sessions/{id}",
    operation_id = "endSession",
    tag = tags::AUTH,
    security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The session's id")),
    responses((status = 204, description = "The session has ended")),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn end(
    Authenticated { access, scope }: Authenticated,
    OriginOfRequest(origin): OriginOfRequest,
    state: web::Data<State>,
    PathId(id): PathId<SessionId>,
) -> Result<HttpResponse, Problem> {
    let ended = state.in_scope(&scope, async |tx| end_session(&access, tx, id, origin, &*state.clock).await).await?;
    if ended { Ok(HttpResponse::NoContent().finish()) } else { Err(Problem::not_found()) }
}

impl SessionBody {
    fn new(session: Session, current: SessionId) -> Self {
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
