//! What a due event changes, and the webhook that tells of it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::World;
use super::chat::{PhoneMessage, Ticks};
use super::status::{DueStatus, StatusKind};
use super::template::Template;
use crate::webhooks::outbox::Destination;
use crate::webhooks::payload::{Content, Update};

/// A webhook and its receiver.
pub(crate) type Outgoing = (Destination, Update);

impl World {
    /// A status is due: the phone shows it, and a webhook tells it.
    pub(crate) fn settle(&mut self, due: &DueStatus, now_ms: i64) -> Option<Outgoing> {
        let message = &due.message;
        let (ticks, code) = match &due.kind {
            StatusKind::Sent => (Ticks::Sent, None),
            StatusKind::Delivered => (Ticks::Delivered, None),
            StatusKind::Read => (Ticks::Read, None),
            StatusKind::Failed { code, .. } => (Ticks::Failed, Some(*code)),
        };
        if let Some(customer) = message.customer {
            let chat = self.chats.get_mut(&(Arc::clone(&message.phone_number_id), customer));
            if let Some(shown) = chat.and_then(|chat| chat.find(&message.wamid)) {
                // A message that was read stays read; one that failed can still arrive.
                let advances =
                    if shown.ticks == Ticks::Failed { ticks >= Ticks::Delivered } else { ticks > shown.ticks };
                if advances {
                    shown.ticks = ticks;
                    shown.error_code = code;
                    let shown = shown.clone();
                    self.show(&message.phone_number_id, customer, &shown);
                }
            }
        }
        let number = self.numbers.get(&*message.phone_number_id)?;
        let content = Content::Status {
            phone_number_id: message.phone_number_id.to_string(),
            display_phone_number: number.settings.display_phone_number.clone(),
            status: due.entry(now_ms),
            contact: due.contact(),
        };
        let update = Update { waba_id: number.settings.waba_id.clone(), content };
        Some((self.destination(&message.phone_number_id, true)?, update))
    }

    /// Where webhooks of a number go; `None` if they go nowhere.
    pub(crate) fn destination(&self, phone_number_id: &str, is_about_messages: bool) -> Option<Destination> {
        let settings = &self.numbers.get(phone_number_id)?.settings;
        let waba = self.wabas.get(&settings.waba_id).filter(|waba| waba.subscribed)?;
        // Only webhooks of messages follow an override.
        let overriding = waba.override_callback_uri.as_ref().filter(|_| is_about_messages);
        let url = overriding.or(settings.webhook_url.as_ref()).or(self.webhook_url.as_ref())?.clone();
        let app_secret = settings.app_secret.as_ref().unwrap_or(&self.app_secret).clone();
        Some(Destination { url, app_secret })
    }

    /// A webhook about a business account, of the field with this name. It goes to the app of one of its numbers.
    pub(crate) fn account_change(&self, waba: &str, field: &str, value: Value) -> Option<Outgoing> {
        let number = self.numbers.values().find(|number| number.settings.waba_id == waba)?;
        let destination = self.destination(&number.settings.phone_number_id, false)?;
        Some((
            destination,
            Update { waba_id: waba.to_owned(), content: Content::Change { field: field.to_owned(), value } },
        ))
    }

    /// A template has another status.
    pub(crate) fn change_template_status(&mut self, id: &str, status: &str, reason: Option<&str>) -> Option<Outgoing> {
        let template = self.templates.get_mut(id)?;
        status.clone_into(&mut template.status);
        template.rejected_reason = reason.map(str::to_owned);
        let template = template.clone();
        let mut value = template_facts(&template);
        value["event"] = status.into();
        value["reason"] = reason.map_or(Value::Null, Value::from);
        self.account_change(&template.waba_id, "message_template_status_update", value)
    }

    /// Tells the phone pages that the business types.
    pub(crate) fn show_typing(&self, phone_number_id: &Arc<str>, customer: super::CustomerKey) {
        let customer = &self.customers.get(customer).phone;
        let event = json!({"phone_number_id": &**phone_number_id, "customer": customer, "typing": true});
        // No page may be open.
        let _sent = self.phone_pages.send(event.to_string().into());
    }

    /// Tells the phone pages that a message changed.
    pub(crate) fn show(&self, phone_number_id: &Arc<str>, customer: super::CustomerKey, message: &PhoneMessage) {
        if self.phone_pages.receiver_count() == 0 {
            return;
        }
        let customer = &self.customers.get(customer).phone;
        let event = json!({"phone_number_id": &**phone_number_id, "customer": customer, "message": message});
        // No page may be open any more.
        let _sent = self.phone_pages.send(event.to_string().into());
    }
}

/// Ids of templates are numbers in webhooks and strings elsewhere.
pub(crate) fn template_facts(template: &Template) -> Value {
    json!({
        "message_template_id": template.id.parse::<u64>().unwrap_or_default(),
        "message_template_name": template.name,
        "message_template_language": template.language,
        "message_template_category": template.category,
    })
}
