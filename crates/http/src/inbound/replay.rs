use actix_web::http::StatusCode;
use actix_web::web;
use audit::Reason;
use flows::{ReplayEventError, count_replayable, replay_event, replay_events};
use inbound::{ErrorClass, ReplayFilter, ReplayLimit, ReplayableStatus};
use kernel::ids::{AccountId, EventId};
use kernel::{EventsReplay, Grant as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use whatsapp::EventKind;

use super::bodies::{ErrorClassBody, EventBody, ReasonBody};
use crate::auth::Allow;
use crate::extract::{Json, PathId};
use crate::problem::{Code, FieldError, Problem};
use crate::state::State;
use crate::tags;
use crate::validation::Validation;

pub(super) const REASON: &str = "/reason";

/// Replay a webhook event
///
/// Processes a dead letter or a discarded event again, with the current code. Data that is already stored is not
/// duplicated. Of concurrent replays one is accepted.
#[utoipa::path(
    post,
    path = "/webhook-events/{id}/replay",
    operation_id = "replayWebhookEvent",
    tag = tags::EVENTS,
    security(("bearer" = [EventsReplay::PERMISSION])),
    params(("id" = Uuid, Path, description = "The event's id")),
    request_body = ReasonBody,
    responses((status = 202, description = "The event will be processed again", body = EventBody)),
    extensions(("x-problems" = json!([Code::NotFound, Code::NotReplayable]))),
)]
pub(crate) async fn replay(
    allow: Allow<EventsReplay>,
    state: web::Data<State>,
    PathId(id): PathId<EventId>,
    body: Json<ReasonBody>,
) -> Result<(web::Json<EventBody>, StatusCode), Problem> {
    let reason = checked_reason(&body)?;
    let origin = allow.origin();
    let event = state
        .in_tenant(allow, async |permit, tx| replay_event(permit.into(), tx, id, &reason, origin, &*state.clock).await)
        .await?;
    state.wake_relay.notify_one();
    Ok((web::Json(event.into()), StatusCode::ACCEPTED))
}

pub(crate) fn checked_reason(body: &ReasonBody) -> Result<Reason, Problem> {
    let mut validation = Validation::default();
    validation.field(REASON, body.check()).ok_or_else(|| validation.into_problem())
}

/// Selects the events to replay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReplayWebhookEvents)]
pub(crate) struct ReplayManyBody {
    /// The reason, stored in the audit log. Required unless `dry_run` is true.
    #[schema(format = "reason", example = "The mapping of list replies is fixed")]
    reason: Option<String>,
    /// Count the events without replaying them.
    #[serde(default)]
    dry_run: bool,
    /// Defaults to dead letters.
    status: Option<ReplayableStatusBody>,
    #[schema(example = "message")]
    kind: Option<String>,
    account_id: Option<Uuid>,
    error_class: Option<ErrorClassBody>,
    /// Maximum number of events.
    #[schema(minimum = 1, maximum = 10_000, default = 10_000)]
    limit: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[schema(as = ReplayableStatus)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReplayableStatusBody {
    DeadLetter,
    Discarded,
}

/// The result of a replay.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReplayedWebhookEvents)]
pub(crate) struct ReplayedBody {
    /// Whether the events were only counted.
    dry_run: bool,
    /// Number of events.
    #[schema(example = 42)]
    events: usize,
}

/// Replay webhook events
///
/// Replays the events that match the filter, oldest first, 100 per second, at most 10,000. A dry run only counts them.
#[utoipa::path(
    post,
    path = "/webhook-events/replay",
    operation_id = "replayWebhookEvents",
    tag = tags::EVENTS,
    security(("bearer" = [EventsReplay::PERMISSION])),
    request_body = ReplayManyBody,
    responses(
        (status = 200, description = "Dry run: the number of events that would be replayed", body = ReplayedBody),
        (status = 202, description = "The number of events that will be processed again", body = ReplayedBody),
    ),
)]
pub(crate) async fn replay_many(
    allow: Allow<EventsReplay>,
    state: web::Data<State>,
    body: Json<ReplayManyBody>,
) -> Result<(web::Json<ReplayedBody>, StatusCode), Problem> {
    let ReplayRequest { filter, limit, reason } = body.into_inner().check()?;
    let origin = allow.origin();
    let Some(reason) = reason else {
        let events = state
            .in_tenant(allow, async |permit, tx| count_replayable(permit.into(), tx, &filter, limit).await)
            .await?;
        return Ok((web::Json(ReplayedBody { dry_run: true, events }), StatusCode::OK));
    };
    let events = state
        .in_tenant(allow, async |permit, tx| {
            replay_events(permit.into(), tx, &filter, limit, &reason, origin, &*state.clock).await
        })
        .await?;
    state.wake_relay.notify_one();
    Ok((web::Json(ReplayedBody { dry_run: false, events }), StatusCode::ACCEPTED))
}

/// A checked request; without a reason it is a dry run.
struct ReplayRequest {
    filter: ReplayFilter,
    limit: ReplayLimit,
    reason: Option<Reason>,
}

impl ReplayManyBody {
    fn check(self) -> Result<ReplayRequest, Problem> {
        let mut validation = Validation::default();
        let limit = match self.limit {
            None => Some(ReplayLimit::default()),
            Some(limit) => validation.field("/limit", ReplayLimit::new(limit)),
        };
        let reason = self.reason.as_deref().and_then(|text| validation.field(REASON, Reason::parse(text)));
        if self.reason.is_none() && !self.dry_run {
            validation.add(FieldError::in_body(REASON, "missing", "is required unless dry_run is true"));
        }
        let filter = ReplayFilter {
            status: self.status.map(ReplayableStatus::from).unwrap_or_default(),
            kind: self.kind.map(EventKind::from_stored),
            account: self.account_id.map(AccountId::from_uuid),
            error_class: self.error_class.map(ErrorClass::from),
        };
        match limit {
            Some(limit) if validation.is_valid() => {
                Ok(ReplayRequest { filter, limit, reason: reason.filter(|_| !self.dry_run) })
            }
            _ => Err(validation.into_problem()),
        }
    }
}

impl From<ReplayableStatusBody> for ReplayableStatus {
    fn from(status: ReplayableStatusBody) -> Self {
        match status {
            ReplayableStatusBody::DeadLetter => Self::DeadLetter,
            ReplayableStatusBody::Discarded => Self::Discarded,
        }
    }
}

impl From<ReplayEventError> for Problem {
    fn from(error: ReplayEventError) -> Self {
        match error {
            ReplayEventError::NotFound => Self::not_found(),
            ReplayEventError::NotReplayable => Self::new(Code::NotReplayable),
            ReplayEventError::Store(error) => error.into(),
        }
    }
}
