//! Sending messages through Meta, which the sandbox stands in for.

mod about_messages;
mod answers;
mod by_programs;
mod clocks;
mod groups;
mod orders;
mod outcomes;
mod pauses;
mod recipients;
mod records;
mod requests;
mod scheduled;
mod secrets;
mod statuses;
mod template_states;
mod unclear;

use serde_json::{Value, json};

use crate::kit::api::Conversation;
use crate::kit::app::{TestApp, TestTenant};
use crate::kit::sandbox::{Line, MetaSandbox};

/// A tenant with a number, and a customer who has written.
struct Setup {
    meta: MetaSandbox,
    app: TestApp,
    tenant: TestTenant,
    line: Line,
    phone: String,
    conversation: Conversation,
}

impl Setup {
    async fn new() -> Self {
        let meta = MetaSandbox::start();
        let app = meta.app().await;
        let tenant = app.tenant().await;
        let line = meta.line(&app, &tenant).await;
        let (phone, conversation) = meta.conversation(&tenant, &line).await;
        Self { meta, app, tenant, line, phone, conversation }
    }

    fn messages_path(&self) -> String {
        format!("/crm/conversations/{}/messages", self.conversation.id)
    }
}

fn text(body: &str) -> Value {
    json!({"type": "text", "text": {"body": body}})
}
