//! The statuses of a message that a business sent: which there will be, when, and what they say.

use std::sync::Arc;

use serde_json::{Value, json};

use super::customer::CustomerKey;
use super::fault::FaultKind;
use super::number::StatusSettings;
use crate::graph::error::described;

/// What the statuses of a message say of it.
#[derive(Debug)]
pub(crate) struct SentMessage {
    pub(crate) wamid: String,
    pub(crate) phone_number_id: Arc<str>,
    /// `None` for groups and for people whom the sandbox does not know.
    pub(crate) customer: Option<CustomerKey>,
    pub(crate) opaque_data: Option<String>,
    /// The category of its price.
    pub(crate) category: String,
    pub(crate) recipient: Recipient,
}

/// How statuses name who gets the message.
#[derive(Clone, Debug)]
pub(crate) struct Recipient {
    pub(crate) wa_id: Option<String>,
    pub(crate) bsuid: Option<String>,
    pub(crate) is_group: bool,
    /// The request had the user id, not the phone number.
    pub(crate) by_bsuid: bool,
    pub(crate) name: String,
    pub(crate) username: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum StatusKind {
    Sent,
    Delivered,
    Read,
    Failed { code: i64, title: String, details: String },
}

impl StatusKind {
    pub(crate) fn failed(code: i64, title: Option<String>, details: Option<String>) -> Self {
        let title = title.unwrap_or_else(|| described(code).1.to_owned());
        let details = details.unwrap_or_else(|| match code {
            131_047 => "Message failed to send because more than 24 hours have passed since the customer last replied \
                        to this number."
                .to_owned(),
            131_026 => "Message undeliverable.".to_owned(),
            _ => title.clone(),
        });
        Self::Failed { code, title, details }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed { .. } => "failed",
        }
    }
}

/// A status that will be sent.
#[derive(Clone, Debug)]
pub(crate) struct DueStatus {
    pub(crate) message: Arc<SentMessage>,
    pub(crate) kind: StatusKind,
    pub(crate) with_opaque_data: bool,
}

/// The statuses of one message.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Plan {
    /// Milliseconds after it was accepted, in this order.
    pub(crate) steps: Vec<(i64, StatusKind)>,
    /// The first of them is delivered before the request is answered.
    pub(crate) first_before_answer: bool,
    pub(crate) with_opaque_data: bool,
}

impl Plan {
    /// What happens to a message that fails by itself, or not, and what a fault makes of it.
    pub(crate) fn of(
        settings: &StatusSettings,
        failure: Option<StatusKind>,
        is_reaction: bool,
        fault: Option<&FaultKind>,
    ) -> Self {
        let (sent, delivered) = (settings.sent_after_ms, settings.delivered_after_ms);
        if !settings.enabled {
            return Self::default();
        }
        let mut steps = match failure {
            Some(failure) => vec![(sent, failure)],
            // Of reactions Meta tells only that they were sent.
            None if is_reaction => vec![(sent, StatusKind::Sent)],
            None => {
                let read = settings.read_after_ms.map(|after| (after, StatusKind::Read));
                [(sent, StatusKind::Sent), (delivered, StatusKind::Delivered)].into_iter().chain(read).collect()
            }
        };
        match fault {
            Some(FaultKind::FailedStatus { code, title, details, after_sent }) => {
                let failed = StatusKind::failed(*code, title.clone(), details.clone());
                steps = match after_sent {
                    Some(true) => vec![(sent, StatusKind::Sent), (delivered, failed)],
                    _ => vec![(sent, failed)],
                };
            }
            Some(FaultKind::StatusesTwice {}) => {
                steps = steps.into_iter().flat_map(|step| [step.clone(), step]).collect();
            }
            Some(FaultKind::StatusesReversed {}) => {
                let kinds: Vec<_> = steps.iter().rev().map(|(_, kind)| kind.clone()).collect();
                steps = steps.iter().map(|(at, _)| *at).zip(kinds).collect();
            }
            Some(FaultKind::FailedThenDelivered { code }) => {
                let failed = StatusKind::failed(code.unwrap_or(131_000), None, None);
                steps = vec![(sent, failed), (delivered, StatusKind::Delivered)];
            }
            Some(FaultKind::DeliveredThenFailed { code }) => {
                let failed = StatusKind::failed(code.unwrap_or(131_000), None, None);
                steps = vec![(sent, StatusKind::Sent), (delivered, StatusKind::Delivered), (delivered + 100, failed)];
            }
            Some(FaultKind::NoStatuses {}) => steps.clear(),
            _ => {}
        }
        Self {
            first_before_answer: matches!(fault, Some(FaultKind::StatusBeforeAnswer {})) && !steps.is_empty(),
            with_opaque_data: !matches!(fault, Some(FaultKind::WithoutOpaqueData {})),
            steps,
        }
    }
}

impl DueStatus {
    /// The entry of `statuses`.
    pub(crate) fn entry(&self, now_ms: i64) -> Value {
        let (message, recipient) = (&self.message, &self.message.recipient);
        let mut entry = json!({
            "id": message.wamid, "status": self.kind.name(), "timestamp": (now_ms / 1000).to_string(),
        });
        if let Some(wa_id) = &recipient.wa_id {
            entry["recipient_id"] = wa_id.as_str().into();
        }
        if recipient.is_group {
            entry["recipient_type"] = "group".into();
        }
        let has_failed = matches!(self.kind, StatusKind::Failed { .. });
        // A failed message to a phone number does not tell the user id.
        if let Some(bsuid) = recipient.bsuid.as_ref().filter(|_| !has_failed || recipient.by_bsuid) {
            entry["recipient_user_id"] = bsuid.as_str().into();
        }
        if let Some(data) = message.opaque_data.as_ref().filter(|_| self.with_opaque_data) {
            entry["biz_opaque_callback_data"] = data.as_str().into();
        }
        match &self.kind {
            StatusKind::Failed { code, title, details } => {
                entry["errors"] = json!([{
                    "code": code, "title": title, "message": title, "error_data": {"details": details},
                    "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
                }]);
            }
            StatusKind::Sent => {
                let kind = if message.category == "service" { "free_customer_service" } else { "regular" };
                entry["pricing"] = json!({
                    "billable": kind == "regular", "pricing_model": "PMP", "category": message.category, "type": kind,
                });
            }
            StatusKind::Delivered | StatusKind::Read => {}
        }
        entry
    }

    /// The entry of `contacts`, which failed messages and groups do not have.
    pub(crate) fn contact(&self) -> Option<Value> {
        let recipient = &self.message.recipient;
        if recipient.is_group || matches!(self.kind, StatusKind::Failed { .. }) {
            return None;
        }
        let mut contact = json!({"profile": {"name": recipient.name}, "user_id": recipient.bsuid});
        if let Some(wa_id) = &recipient.wa_id {
            contact["wa_id"] = wa_id.as_str().into();
        }
        if let Some(username) = recipient.username.as_ref().filter(|_| self.kind != StatusKind::Sent) {
            contact["profile"]["username"] = username.as_str().into();
        }
        Some(contact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(fault: Option<&FaultKind>, failure: Option<StatusKind>) -> Vec<&'static str> {
        let settings = StatusSettings { read_after_ms: Some(300), ..StatusSettings::default() };
        Plan::of(&settings, failure, false, fault).steps.iter().map(|(_, kind)| kind.name()).collect()
    }

    #[test]
    fn faults_change_the_statuses() {
        assert_eq!(names(None, None), ["sent", "delivered", "read"]);
        assert_eq!(names(None, Some(StatusKind::failed(131_047, None, None))), ["failed"]);
        assert_eq!(names(Some(&FaultKind::StatusesReversed {}), None), ["read", "delivered", "sent"]);
        assert_eq!(names(Some(&FaultKind::NoStatuses {}), None), [""; 0]);
        assert_eq!(names(Some(&FaultKind::StatusesTwice {}), None).len(), 6);
        assert_eq!(names(Some(&FaultKind::FailedThenDelivered { code: None }), None), ["failed", "delivered"]);
        assert_eq!(names(Some(&FaultKind::DeliveredThenFailed { code: None }), None), ["sent", "delivered", "failed"]);
    }

    #[test]
    fn reaction_is_only_sent() {
        let plan = Plan::of(&StatusSettings::default(), None, true, None);
        assert_eq!(plan.steps, [(50, StatusKind::Sent)]);
    }

    fn due(kind: StatusKind, by_bsuid: bool) -> DueStatus {
        let recipient = Recipient {
            wa_id: Some("15550100002".to_owned()),
            bsuid: Some("US.1".to_owned()),
            is_group: false,
            by_bsuid,
            name: "Ada".to_owned(),
            username: None,
        };
        let message = SentMessage {
            wamid: "wamid.1".to_owned(),
            phone_number_id: "1".into(),
            customer: None,
            opaque_data: Some("mine".to_owned()),
            category: "service".to_owned(),
            recipient,
        };
        DueStatus { message: Arc::new(message), kind, with_opaque_data: true }
    }

    #[test]
    fn failed_status_to_a_phone_has_no_user_id() {
        let failed = || StatusKind::failed(131_026, None, None);
        let entry = due(failed(), false).entry(5000);
        assert_eq!((&entry["timestamp"], &entry["errors"][0]["code"]), (&json!("5"), &json!(131_026)));
        assert!(entry.get("recipient_user_id").is_none());
        assert_eq!(due(failed(), true).entry(0)["recipient_user_id"], "US.1");
        assert!(due(failed(), false).contact().is_none());
    }

    #[test]
    fn opaque_data_comes_back_unless_a_fault_drops_it() {
        let mut due = due(StatusKind::Sent, false);
        assert_eq!(due.entry(0)["biz_opaque_callback_data"], "mine");
        due.with_opaque_data = false;
        assert!(due.entry(0).get("biz_opaque_callback_data").is_none());
    }
}
