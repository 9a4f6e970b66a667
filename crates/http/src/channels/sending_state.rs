use channels::{SendingState, WhatsAppAccount};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// Whether messages can be sent for a number.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sending)]
pub(crate) struct SendingBody {
    state: SendingStateBody,
    /// Why nothing is sent, or why some messages wait, for people. Null if nothing is wrong.
    #[schema(required, example = "The account has no access token.")]
    reason: Option<String>,
    /// When a pause ends by itself; null if it does not.
    #[schema(required)]
    until: Option<DateTime<Utc>>,
    /// What to do about it. Null if nothing is wrong.
    #[schema(required, example = "Enter the access token of a system user that may use this number.")]
    advice: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SendingState)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SendingStateBody {
    /// Messages are sent. With a reason, some wait: those that Meta charges for, or those that no customer asked for.
    Ready,
    /// An access token must be entered.
    NoToken,
    /// What is to be sent waits.
    Paused,
    /// Meta says that the number is not registered.
    NotRegistered,
}

impl SendingBody {
    pub(crate) fn of(account: &WhatsAppAccount, now: DateTime<Utc>) -> Self {
        let state = SendingState::of(&account.sending, now);
        Self {
            reason: state.reason().map(str::to_owned),
            until: state.until(),
            advice: state.advice().map(str::to_owned),
            state: match state {
                SendingState::Ready | SendingState::Limited { .. } => SendingStateBody::Ready,
                SendingState::NoToken => SendingStateBody::NoToken,
                SendingState::NotRegistered => SendingStateBody::NotRegistered,
                SendingState::Paused { .. } => SendingStateBody::Paused,
            },
        }
    }
}
