//! Events from Meta, and dead letters.

use serde::Deserialize;
use serde_json::Value;

use super::Resource;

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct WebhookEvent {
    pub(crate) id: String,
    pub(crate) app: Option<String>,
    pub(crate) account_id: Option<String>,
    pub(crate) kind: String,
    pub(crate) status: String,
    pub(crate) attempts: i64,
    pub(crate) replays: i64,
    pub(crate) received_at: String,
    pub(crate) processed_at: Option<String>,
    pub(crate) next_attempt_at: Option<String>,
    pub(crate) error_class: Option<String>,
    pub(crate) last_error: Option<String>,
}

impl Resource for WebhookEvent {
    const LIST: &'static str = "/webhook-events";

    fn segment(&self) -> &str {
        &self.id
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct WebhookEventDetails {
    #[serde(flatten)]
    pub(crate) event: WebhookEvent,
    pub(crate) failed_attempts: Vec<FailedAttempt>,
    /// As Meta sent it; null without the permission `events:replay`.
    pub(crate) payload: Value,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct FailedAttempt {
    pub(crate) replay: i64,
    pub(crate) attempt: i64,
    pub(crate) failed_at: String,
    pub(crate) error_class: String,
    pub(crate) error: String,
}

/// The response of a bulk replay.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct ReplayedEvents {
    pub(crate) dry_run: bool,
    pub(crate) events: u64,
}
