//! Bodies and filters of webhook events.

use audit::{InvalidReason, Reason};
use chrono::{DateTime, Utc};
use inbound::{ErrorClass, EventDetails, EventFilter, EventStatus, FailedAttempt, WebhookEvent};
use kernel::ids::AccountId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use whatsapp::EventKind;

use crate::closed_set::closed_set;
use crate::problem::{Code, FieldError, Problem};
use crate::raw_json::raw_json;

/// One event from Meta: a message, a status or another change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEvent)]
pub(crate) struct EventBody {
    id: Uuid,
    /// Key of the tenant's Meta app that signed the delivery; null for the deployment's app.
    #[schema(required)]
    app: Option<String>,
    /// The WhatsApp account of the event.
    #[schema(required)]
    account_id: Option<Uuid>,
    /// `message`, `status`, `unparsed`, or the field of the change.
    #[schema(example = "message")]
    kind: String,
    status: EventStatusBody,
    /// Failed attempts since the event was received or last replayed.
    attempts: i32,
    /// How often it was replayed.
    replays: i32,
    received_at: DateTime<Utc>,
    /// When processing ended, successfully or not.
    #[schema(required)]
    processed_at: Option<DateTime<Utc>>,
    #[schema(required)]
    next_attempt_at: Option<DateTime<Utc>>,
    /// Class of the last failure.
    #[schema(required)]
    error_class: Option<ErrorClassBody>,
    #[schema(required)]
    last_error: Option<String>,
}

/// An event with its failed attempts and payload.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEventDetails)]
pub(crate) struct EventDetailsBody {
    #[serde(flatten)]
    event: EventBody,
    /// Oldest first.
    failed_attempts: Vec<FailedAttemptBody>,
    /// The event as sent by Meta, byte for byte; a string if it is not JSON. Null without the permission
    /// `events:replay`, and after the retention period.
    #[schema(required, value_type = Option<Object>)]
    payload: Option<Box<RawValue>>,
}

/// A failed attempt.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FailedAttempt)]
pub(crate) struct FailedAttemptBody {
    /// Replays of the event before this attempt.
    replay: i32,
    /// Number of the attempt, from 1 for each replay.
    #[schema(example = 1)]
    attempt: i32,
    failed_at: DateTime<Utc>,
    error_class: ErrorClassBody,
    error: String,
}

closed_set!(EventStatusBody = EventStatus, "WebhookEventStatus");
closed_set!(
    /// Why processing failed.
    ErrorClassBody = ErrorClass,
    "ErrorClass"
);

/// Filters events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventQuery {
    #[param(inline)]
    status: Option<EventStatusBody>,
    /// Only with a status other than `received` and `processed`.
    kind: Option<String>,
    /// Id of a WhatsApp account. Only with such a status.
    account: Option<Uuid>,
    /// Class of the last failure. Only with such a status.
    #[param(inline)]
    error_class: Option<ErrorClassBody>,
}

/// The reason, stored in the audit log.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Reason)]
pub(crate) struct ReasonBody {
    #[schema(format = "reason", example = "The mapping of list replies is fixed")]
    pub(crate) reason: String,
}

impl ReasonBody {
    pub(crate) fn check(&self) -> Result<Reason, InvalidReason> {
        Reason::parse(&self.reason)
    }
}

impl EventQuery {
    /// Other filters need a status that few events have: without one, each event of the retention period would be read.
    pub(crate) fn check(self) -> Result<EventFilter, Problem> {
        let filter = EventFilter {
            status: self.status.map(EventStatus::from),
            kind: self.kind.map(EventKind::from_stored),
            account: self.account.map(AccountId::from_uuid),
            error_class: self.error_class.map(ErrorClass::from),
        };
        let has_index = !matches!(filter.status, None | Some(EventStatus::Received | EventStatus::Processed));
        let others = [
            ("kind", filter.kind.is_some()),
            ("account", filter.account.is_some()),
            ("error_class", filter.error_class.is_some()),
        ];
        match others.into_iter().find(|(_, is_set)| *is_set && !has_index) {
            None => Ok(filter),
            Some((parameter, _)) => {
                let text = "needs a status: retrying, dead_letter, discarded, unroutable or held";
                let error = FieldError::in_query(parameter, "invalid", text);
                Err(Problem::new(Code::ValidationFailed)
                    .with_detail("The filter is invalid; see errors.")
                    .with_errors(vec![error]))
            }
        }
    }
}

impl From<WebhookEvent> for EventBody {
    fn from(event: WebhookEvent) -> Self {
        Self {
            id: event.id.as_uuid(),
            app: event.app.tenant_key().map(str::to_owned),
            account_id: event.account.map(AccountId::as_uuid),
            kind: event.kind.as_str().to_owned(),
            status: event.status.into(),
            attempts: event.attempts,
            replays: event.replays,
            received_at: event.received_at,
            processed_at: event.processed_at,
            next_attempt_at: event.next_attempt_at,
            error_class: event.error_class.map(ErrorClassBody::from),
            last_error: event.last_error,
        }
    }
}

impl From<EventDetails> for EventDetailsBody {
    fn from(details: EventDetails) -> Self {
        Self {
            event: details.event.into(),
            failed_attempts: details.failed_attempts.into_iter().map(FailedAttemptBody::from).collect(),
            payload: details.payload.map(|bytes| raw_json(&String::from_utf8_lossy(&bytes))),
        }
    }
}

impl From<FailedAttempt> for FailedAttemptBody {
    fn from(failed: FailedAttempt) -> Self {
        let FailedAttempt { replay, attempt, failed_at, class, error } = failed;
        Self { replay, attempt, failed_at, error_class: class.into(), error }
    }
}
