//! How events look, and how they are asked for.

use audit::{InvalidReason, Reason};
use chrono::{DateTime, Utc};
use inbound::{ErrorClass, EventDetails, EventFilter, EventKind, EventStatus, FailedAttempt, WebhookEvent};
use kernel::ids::AccountId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::extract::LimitParameter;
use crate::http::raw_json::raw_json;

/// One thing that Meta told: a message, a status, another change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEvent)]
pub(crate) struct EventBody {
    id: Uuid,
    /// The key of the tenant's own Meta app that signed it; null: the deployment's.
    #[schema(required)]
    app: Option<String>,
    /// The WhatsApp account that it is for.
    #[schema(required)]
    account_id: Option<Uuid>,
    /// `message`, `status`, `unparsed`, or the field of the change.
    #[schema(example = "message")]
    kind: String,
    status: EventStatusBody,
    /// Tries that failed since it came in, or since it was last replayed.
    attempts: i32,
    /// How often somebody replayed it.
    replays: i32,
    received_at: DateTime<Utc>,
    /// When it was finished, one way or another.
    #[schema(required)]
    processed_at: Option<DateTime<Utc>>,
    #[schema(required)]
    next_attempt_at: Option<DateTime<Utc>>,
    /// Of the last failure.
    #[schema(required)]
    error_class: Option<ErrorClassBody>,
    #[schema(required)]
    last_error: Option<String>,
}

/// An event with everything about it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEventDetails)]
pub(crate) struct EventDetailsBody {
    #[serde(flatten)]
    event: EventBody,
    /// Oldest first.
    failed_attempts: Vec<FailedAttemptBody>,
    /// What Meta sent, to the byte; a string where that is no JSON. Null without the permission `events:replay`, and when it
    /// was kept long enough.
    #[schema(required, value_type = Option<Object>)]
    payload: Option<Box<RawValue>>,
}

/// A try that failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FailedAttempt)]
pub(crate) struct FailedAttemptBody {
    /// How often the event had been replayed before.
    replay: i32,
    /// Counts from 1 for each replay.
    #[schema(example = 1)]
    attempt: i32,
    failed_at: DateTime<Utc>,
    error_class: ErrorClassBody,
    error: String,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = WebhookEventStatus)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventStatusBody {
    /// To be processed, or being processed.
    Received,
    /// Failed, and tried again at `next_attempt_at`.
    Retrying,
    Processed,
    /// Given up: somebody has to look at it.
    DeadLetter,
    /// Somebody decided that it does not matter.
    Discarded,
    /// No account has its number; processed once one is connected.
    Unroutable,
    /// The tenant is suspended; processed once it is active again.
    Held,
}

/// Why an event was not processed.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = ErrorClass)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorClassBody {
    /// Others were in its way.
    Contention,
    /// Something that it refers to is not there yet, or not any more.
    Dependency,
    /// A failure that may pass.
    Transient,
    /// No retry helps.
    Permanent,
    /// Whoever processes it dies of it.
    Poison,
}

/// Which events are wanted, and which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventQuery {
    #[param(inline)]
    status: Option<EventStatusBody>,
    kind: Option<String>,
    /// Id of a WhatsApp account.
    account: Option<Uuid>,
    /// Of the last failure.
    #[param(inline)]
    error_class: Option<ErrorClassBody>,
    /// How many items at most.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100, default = 50)]
    pub(crate) limit: Option<LimitParameter>,
    /// `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
}

/// Why somebody does it; kept in the audit log.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Reason)]
pub(crate) struct ReasonBody {
    #[schema(min_length = 1, max_length = 500, example = "The mapping of list replies is mended")]
    pub(crate) reason: String,
}

impl ReasonBody {
    pub(crate) fn check(&self) -> Result<Reason, InvalidReason> {
        Reason::parse(&self.reason)
    }
}

impl From<EventQuery> for EventFilter {
    fn from(query: EventQuery) -> Self {
        Self {
            status: query.status.map(EventStatus::from),
            kind: query.kind.map(EventKind::from_stored),
            account: query.account.map(AccountId::from_uuid),
            error_class: query.error_class.map(ErrorClass::from),
        }
    }
}

impl From<WebhookEvent> for EventBody {
    fn from(event: WebhookEvent) -> Self {
        Self {
            id: event.id.as_uuid(),
            app: event.app.of_tenant().map(str::to_owned),
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

/// The same variants on both sides.
macro_rules! mirror {
    ($domain:ident, $body:ident: $($variant:ident),+) => {
        impl From<$domain> for $body {
            fn from(value: $domain) -> Self {
                match value {
                    $($domain::$variant => Self::$variant,)+
                }
            }
        }

        impl From<$body> for $domain {
            fn from(value: $body) -> Self {
                match value {
                    $($body::$variant => Self::$variant,)+
                }
            }
        }
    };
}

mirror!(EventStatus, EventStatusBody: Received, Retrying, Processed, DeadLetter, Discarded, Unroutable, Held);
mirror!(ErrorClass, ErrorClassBody: Contention, Dependency, Transient, Permanent, Poison);
