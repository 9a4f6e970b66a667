//! What a message body says about its sending.

use chrono::{DateTime, Utc};
use outbound::{Attempt, AttemptOutcome, MessageStatus, SendError, SenderKind, StoredSend};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::closed_set::closed_set;

closed_set!(
    /// What became of an outbound message: `held` waits for the end of a pause, `accepted` is with Meta, `unknown` may have been sent.
    MessageStatusBody = MessageStatus,
    "MessageStatus"
);

closed_set!(
    /// What a call to Meta showed.
    AttemptOutcomeBody = AttemptOutcome,
    "AttemptOutcome"
);

/// Why a message was not sent, or may not have been.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SendError)]
pub(crate) struct SendErrorBody {
    /// Meta's code, if Meta gave one.
    #[schema(required, example = 131_047)]
    code: Option<i64>,
    /// Of a small set, see the guide; the set is open.
    #[schema(example = "window")]
    class: String,
    title: String,
    /// What people can do.
    advice: String,
}

/// Who wanted a message to be sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MessageSender)]
pub(crate) struct SenderBody {
    kind: MessageSenderKind,
    /// The user or the API key; null if Parley did not send it.
    #[schema(required)]
    id: Option<Uuid>,
}

/// `phone` is the WhatsApp app on the business's phone, `other` another tool.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MessageSenderKind {
    User,
    ApiKey,
    Automation,
    Phone,
    Other,
}

/// A call to Meta.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attempt)]
pub(crate) struct AttemptBody {
    /// From 1.
    #[schema(example = 1)]
    number: i32,
    started_at: DateTime<Utc>,
    /// Null while it runs, and for good if the sender stopped meanwhile.
    #[schema(required)]
    ended_at: Option<DateTime<Utc>>,
    #[schema(required)]
    outcome: Option<AttemptOutcomeBody>,
    #[schema(required)]
    http_status: Option<i32>,
    /// Meta's code.
    #[schema(required)]
    code: Option<i64>,
    #[schema(required)]
    title: Option<String>,
    /// For Meta's support.
    #[schema(required)]
    trace_id: Option<String>,
    #[schema(required)]
    duration_ms: Option<i64>,
}

impl From<SendError> for SendErrorBody {
    fn from(error: SendError) -> Self {
        let SendError { code, class, title, advice } = error;
        Self { code, class, title, advice }
    }
}

impl SenderBody {
    pub(crate) fn of(send: &StoredSend) -> Self {
        let kind = match send.sender.kind {
            SenderKind::User => MessageSenderKind::User,
            SenderKind::ApiKey => MessageSenderKind::ApiKey,
            SenderKind::Automation => MessageSenderKind::Automation,
        };
        Self { kind, id: send.sender.id }
    }

    pub(crate) const fn without_id(kind: MessageSenderKind) -> Self {
        Self { kind, id: None }
    }
}

impl From<Attempt> for AttemptBody {
    fn from(attempt: Attempt) -> Self {
        let duration = attempt.ended_at.map(|ended| (ended - attempt.started_at).num_milliseconds());
        Self {
            number: attempt.number,
            started_at: attempt.started_at,
            ended_at: attempt.ended_at,
            outcome: attempt.outcome.map(AttemptOutcomeBody::from),
            http_status: attempt.http_status,
            code: attempt.code,
            title: attempt.title,
            trace_id: attempt.trace_id,
            duration_ms: duration,
        }
    }
}
