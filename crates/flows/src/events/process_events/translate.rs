//! Translates decoded WhatsApp updates into the types of the CRM.

use std::collections::HashMap;

use channels::AccountHealthUpdate;
use chrono::{DateTime, TimeDelta, Utc};
use crm::identity::{IdentityChange, IdentityKey, Person};
use crm::inbox::{Activity, ActivityEffect, Batch, IncomingMessage, MessageKey, MessageUpdate, UpdateEffect};
use crm::{InteractionKind, MarketingConsent, Media};
use inbound::UnfinishedEvent;
use kernel::ids::{AccountId, EventId, TenantId};
use kernel::{Arrival, DeliveryStatus, Direction, Origin};
use whatsapp::{DecodedMessage, GraphError, MediaPointer, Party, StatusUpdate, Update};

use super::templates::{self, TemplateEvent};

/// How far Meta's clock may be ahead of ours.
const MAX_CLOCK_SKEW: TimeDelta = TimeDelta::hours(1);

/// A group of events, translated.
#[derive(Debug, Default)]
pub(super) struct TranslatedEvents {
    pub(super) batch: Batch,
    pub(super) health: Vec<AccountHealthUpdate>,
    pub(super) templates: Vec<TemplateEvent>,
    /// When each message of a customer was first received, other than by an import or in another party's thread.
    pub(super) received: HashMap<MessageKey, DateTime<Utc>>,
    pub(super) opaque_statuses: Vec<OpaqueStatus>,
}

/// A status with the text that its sender gave Meta.
#[derive(Debug)]
pub(super) struct OpaqueStatus {
    pub(super) event: EventId,
    pub(super) tenant: TenantId,
    pub(super) message: MessageKey,
    pub(super) opaque: String,
    pub(super) is_failure: bool,
    pub(super) is_delivery: bool,
    /// Why it failed, in Meta's words.
    pub(super) error: Option<GraphError>,
    /// Whom the message was for; `None` if the status does not say.
    pub(super) customer: Option<Person>,
    pub(super) occurred_at: DateTime<Utc>,
    pub(super) arrival: Arrival,
}

impl TranslatedEvents {
    /// Adds the update of an event.
    ///
    /// # Errors
    /// The reason why the event cannot be processed.
    pub(super) fn add(&mut self, event: &UnfinishedEvent, waba_id: String, update: Update) -> Result<(), String> {
        let account = event.account.ok_or("the event names no account")?;
        EventContext { event, account, waba_id }.add(self, update);
        Ok(())
    }
}

/// The event in which an update was delivered.
struct EventContext<'e> {
    event: &'e UnfinishedEvent,
    account: AccountId,
    waba_id: String,
}

impl EventContext<'_> {
    fn add(self, to: &mut TranslatedEvents, update: Update) {
        let TranslatedEvents { batch, health, templates, received, opaque_statuses } = to;
        match update {
            Update::Message(message) => {
                if message.origin == Origin::Live {
                    let received_at = self.event.received_at;
                    let first = received.entry((self.account, message.wamid.clone())).or_insert(received_at);
                    *first = received_at.min(*first);
                }
                batch.messages.push(self.message(*message));
            }
            Update::Reaction(it) => {
                let effect = UpdateEffect::Reaction { wamid: it.wamid, emoji: it.emoji };
                batch.updates.push(self.update(it.target, effect, Some(it.customer), it.direction, None, it.timestamp));
            }
            Update::Edit(it) => {
                let effect = UpdateEffect::Edit { wamid: it.wamid, text: it.text };
                let (customer, payload) = (Some(it.customer), Some(it.payload));
                batch.updates.push(self.update(it.target, effect, customer, it.direction, payload, it.timestamp));
            }
            Update::Revocation(it) => {
                let effect = UpdateEffect::Revocation { wamid: it.wamid };
                batch.updates.push(self.update(it.target, effect, Some(it.customer), it.direction, None, it.timestamp));
            }
            Update::Status(it) => {
                opaque_statuses.extend(self.opaque_status(&it));
                let effect = UpdateEffect::Status { status: it.status, participant: it.participant };
                let (direction, payload) = (Direction::Outbound, Some(it.payload));
                let seen = self.person(it.customer, self.time(it.timestamp));
                let recipient = self.with_participant(seen.clone(), &effect);
                batch.sightings.extend(Some(seen).filter(links_identities));
                let update = self.update(it.target, effect, None, direction, payload, it.timestamp);
                batch.updates.push(MessageUpdate { recipient: Some(recipient).filter(has_identity_key), ..update });
            }
            Update::IdentityChange(it) => batch.changes.push(IdentityChange {
                before: self.keys(&it.before),
                after: self.keys(&it.after),
                text: it.text,
                changed_at: self.time(it.timestamp),
                arrival: self.event.arrival,
            }),
            Update::SystemMessage(it) => {
                let of_message = |wamid: String| format!("notice:{}:{wamid}", self.account);
                let source = it.wamid.map_or_else(|| self.source("notice"), of_message);
                let entry = (InteractionKind::Notice, it.text, source);
                batch.activities.extend(self.activity(it.customer, entry, ActivityEffect::None, it.timestamp));
            }
            Update::Consent(it) => {
                let consent = if it.granted { MarketingConsent::Granted } else { MarketingConsent::Withdrawn };
                let text = consent.interaction_text().to_owned();
                let entry = (InteractionKind::ConsentChanged, text, self.source("consent"));
                let effect = ActivityEffect::Consent { granted: it.granted };
                batch.activities.extend(self.activity(it.customer, entry, effect, it.timestamp));
            }
            Update::AddressBook(it) => {
                let text = match (&it.name, it.removed) {
                    (_, true) => "Removed from the address book of the phone".to_owned(),
                    (Some(name), false) => format!("In the address book of the phone: {name}"),
                    (None, false) => "In the address book of the phone".to_owned(),
                };
                let entry = (InteractionKind::AddressBook, text, self.source("address_book"));
                let name = it.name.filter(|_| !it.removed);
                let effect = name.map_or(ActivityEffect::None, ActivityEffect::Name);
                batch.activities.extend(self.activity(it.customer, entry, effect, it.timestamp));
            }
            Update::Call(it) => {
                let source = format!("call:{}:{}:{}", self.account, it.call_id, it.event);
                let called_us = it.direction == Direction::Inbound;
                let effect = match (called_us, it.is_missed) {
                    (true, true) => ActivityEffect::MissedCall(self.account),
                    (true, false) => ActivityEffect::ServiceWindow(self.account),
                    (false, _) => ActivityEffect::None,
                };
                let entry = (InteractionKind::Call, it.text, source);
                batch.activities.extend(self.activity(it.customer, entry, effect, it.timestamp));
            }
            Update::Health(it) => health.push(AccountHealthUpdate {
                account: self.account,
                reported_at: self.time(it.timestamp),
                received_at: self.event.received_at,
                waba_id: self.waba_id,
                update: it,
            }),
            Update::Template(it) => templates.push(TemplateEvent {
                occurred_at: self.time(it.timestamp),
                waba_id: self.waba_id,
                meta_id: it.template_id,
                change: templates::change(it.change),
            }),
        }
    }

    /// A status of Meta's that the message was taken; a status of an unknown kind proves nothing.
    fn opaque_status(&self, status: &StatusUpdate) -> Option<OpaqueStatus> {
        let delivery: DeliveryStatus = status.status.parse().ok()?;
        let is_failure = delivery == DeliveryStatus::Failed;
        let occurred_at = self.time(status.timestamp);
        Some(OpaqueStatus {
            event: self.event.id,
            tenant: self.event.tenant?,
            message: (self.account, status.target.clone()),
            opaque: status.opaque.clone()?,
            is_failure,
            is_delivery: delivery == DeliveryStatus::Delivered,
            error: is_failure.then(|| GraphError::of_status(&status.payload)).flatten(),
            customer: is_failure.then(|| self.person(status.customer.clone(), occurred_at)).filter(has_identity_key),
            occurred_at,
            arrival: self.event.arrival,
        })
    }

    fn message(&self, decoded: DecodedMessage) -> IncomingMessage {
        let provider_timestamp = self.time(decoded.timestamp);
        IncomingMessage {
            account: self.account,
            wamid: decoded.wamid,
            direction: decoded.direction,
            origin: decoded.origin,
            customer: self.person(decoded.customer, provider_timestamp),
            group_id: decoded.group_id,
            kind: decoded.kind,
            text: decoded.text,
            parts: decoded.parts,
            media: decoded.media.map(media),
            reply_to: decoded.reply_to,
            forwarded: decoded.forwarded,
            referral: decoded.referral,
            payload: decoded.payload,
            // Messages reported by the app on the phone have been sent.
            delivery: (decoded.direction == Direction::Outbound)
                .then(|| decoded.delivery.unwrap_or(DeliveryStatus::Sent)),
            provider_timestamp,
            arrival: self.event.arrival,
        }
    }

    fn update(
        &self,
        target: String,
        effect: UpdateEffect,
        customer: Option<Party>,
        by: Direction,
        payload: Option<String>,
        timestamp: Option<DateTime<Utc>>,
    ) -> MessageUpdate {
        let occurred_at = self.time(timestamp);
        MessageUpdate {
            message: (self.account, target),
            effect,
            customer: customer.map(|customer| self.person(customer, occurred_at)).filter(has_identity_key),
            recipient: None,
            direction: by,
            payload,
            occurred_at,
            arrival: self.event.arrival,
        }
    }

    /// `None` if the update names no customer, as it belongs to no contact then.
    fn activity(
        &self,
        customer: Party,
        (kind, text, source): (InteractionKind, String, String),
        effect: ActivityEffect,
        timestamp: Option<DateTime<Utc>>,
    ) -> Option<Activity> {
        let occurred_at = self.time(timestamp);
        let customer = Some(self.person(customer, occurred_at)).filter(has_identity_key)?;
        Some(Activity { customer, kind, text, source, effect, occurred_at, arrival: self.event.arrival })
    }

    fn person(&self, party: Party, seen_at: DateTime<Utc>) -> Person {
        Person {
            bsuid: party.bsuid.as_deref().map(|bsuid| IdentityKey::bsuid(&self.waba_id, bsuid)),
            phones: party.phones.iter().filter_map(|phone| IdentityKey::phone(phone)).collect(),
            parent_bsuid: party.parent_bsuid.as_deref().map(IdentityKey::parent_bsuid),
            username: party.username.as_deref().map(IdentityKey::username),
            display_name: party.profile_name,
            seen_at,
        }
    }

    /// The person whom a status is about: in a group, the participant, whose id is a number or a user id.
    fn with_participant(&self, mut person: Person, effect: &UpdateEffect) -> Person {
        if let UpdateEffect::Status { participant, .. } = effect
            && !participant.is_empty()
        {
            if participant.bytes().all(|byte| byte.is_ascii_digit()) {
                person.phones.extend(IdentityKey::phone(participant));
            } else if person.bsuid.is_none() {
                person.bsuid = Some(IdentityKey::bsuid(&self.waba_id, participant));
            }
        }
        person
    }

    /// The keys that identify a person.
    fn keys(&self, party: &Party) -> Vec<IdentityKey> {
        self.person(party.clone(), self.event.received_at).keys().cloned().collect()
    }

    /// The source of an activity that has no id of its own: the event.
    fn source(&self, kind: &str) -> String {
        format!("{kind}:{}", self.event.id)
    }

    /// A time in the future would keep a conversation at the top of the list, and its service window open, until then.
    fn time(&self, timestamp: Option<DateTime<Utc>>) -> DateTime<Utc> {
        let latest = self.event.received_at + MAX_CLOCK_SKEW;
        timestamp.filter(|time| *time <= latest).unwrap_or(self.event.received_at)
    }
}

fn has_identity_key(person: &Person) -> bool {
    person.keys().next().is_some()
}

/// Whether a person's data connects several keys, or a key with a name. A single key connects nothing.
fn links_identities(person: &Person) -> bool {
    let more = person.username.is_some() || person.parent_bsuid.is_some() || person.display_name.is_some();
    let keys = person.keys().count();
    keys > 1 || (keys == 1 && more)
}

fn media(pointer: MediaPointer) -> Media {
    Media {
        id: pointer.id,
        mime_type: pointer.mime_type,
        sha256: pointer.sha256,
        caption: pointer.caption,
        filename: pointer.filename,
    }
}

#[cfg(test)]
mod tests;
