//! Accepts or refuses a request to send, and plans what happens afterwards.

use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::answer::Reply;
use super::error::GraphError;
use super::media;
use crate::clock;
use crate::messages::address::Address;
use crate::messages::request::{Request, Send};
use crate::messages::template as template_call;
use crate::shared::Shared;
use crate::webhooks::schedule::Event;
use crate::world::World;
use crate::world::business::Rendered;
use crate::world::customer::CustomerKey;
use crate::world::fault::{FaultKind, Stage, Subject};
use crate::world::journal::{Entry, Refusal};
use crate::world::number::{Number, WindowMode};
use crate::world::status::{DueStatus, Plan, Recipient, SentMessage, StatusKind};

/// How a request is answered.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) reply: Reply,
    pub(super) fault: Option<FaultKind>,
    /// The answer waits for this delivery.
    pub(super) first_status: Option<oneshot::Receiver<()>>,
}

/// A request that was accepted.
struct Accepted {
    body: Value,
    /// With the time at which each is due.
    statuses: Vec<(i64, DueStatus)>,
    first_before_answer: bool,
}

pub(super) fn receive(shared: &Shared, token: &str, number_id: &str, body: &[u8]) -> Outcome {
    let now = shared.clock.now_ms();
    let mut world = shared.world();
    let trace = world.ids.trace();
    let mut fault = None;
    let accepted = accept(&mut world, token, number_id, body, now, &mut fault);
    let accepted = match accepted {
        Ok(Some(accepted)) => accepted,
        Ok(None) => return Outcome { reply: Reply::of(trace, String::new()), fault, first_status: None },
        Err(error) => {
            world.journal.refuse(Refusal {
                received_at: clock::text(now),
                phone_number_id: number_id.to_owned(),
                http_status: error.http_status,
                code: error.code,
                details: error.details.clone().unwrap_or_else(|| error.message.clone()),
            });
            return Outcome { reply: Reply::error(trace, &error), fault: None, first_status: None };
        }
    };
    let mut statuses = accepted.statuses.into_iter();
    let first = if accepted.first_before_answer { statuses.next() } else { None };
    let outgoing = first.and_then(|(_, due)| world.settle(&due, now));
    drop(world);
    shared.schedule.add(statuses.map(|(at, due)| (at, Event::Status(due))));
    let first_status = outgoing.map(|(destination, update)| shared.outbox.push_and_tell(&destination, update));
    Outcome { reply: Reply::of(trace, accepted.body.to_string()), fault, first_status }
}

/// `None` if a fault keeps the request from being accepted.
fn accept(
    world: &mut World,
    token: &str,
    number_id: &str,
    body: &[u8],
    now: i64,
    fault: &mut Option<FaultKind>,
) -> Result<Option<Accepted>, GraphError> {
    let number = world.number_for(number_id, token, "post", now)?;
    if !number.settings.registered {
        return Err(GraphError::of(133_010));
    }
    let raw: &RawValue =
        serde_json::from_slice(body).map_err(|_| GraphError::parameter("The request's body is not valid JSON."))?;
    let Ok(Value::Object(members)) = serde_json::from_str(raw.get()) else {
        return Err(GraphError::parameter("The request's body must be a JSON object."));
    };
    let waba_id = number.settings.waba_id.clone();
    let request = Request::of(&members, &number.calling_code)?;
    let (kind, to, template) = match &request {
        Request::Read { typing: false, .. } => ("read", "", ""),
        Request::Read { typing: true, .. } => ("typing", "", ""),
        Request::Send(send) => (send.kind.as_str(), send.input.as_str(), send.template()),
    };
    let subject = Subject { phone_number_id: number_id, waba_id: &waba_id, to, kind, template, meets_unnamed: true };
    let mut entry = Entry {
        sequence: world.journal.next_sequence(),
        received_at: clock::text(now),
        received_at_ms: now,
        phone_number_id: Arc::clone(&number.id),
        kind: kind.to_owned(),
        to: members.get("to").and_then(Value::as_str).map(str::to_owned),
        recipient: members.get("recipient").and_then(Value::as_str).map(str::to_owned),
        delivered_to: None,
        wamid: None,
        biz_opaque_callback_data: None,
        fault: None,
        status_fault: None,
        body: raw.to_owned(),
    };
    match &request {
        Request::Read { message_id, typing } => {
            let owner = world.owners.get(message_id).filter(|(owner, _)| **owner == *number_id).cloned();
            let owner = owner.ok_or_else(|| GraphError::value(format!("message_id {message_id} is not known")))?;
            if draw(world, Stage::Answer, &subject, fault) {
                return Ok(None);
            }
            world.business_reads(&owner.0, owner.1, message_id, *typing, now);
            entry.fault = fault.as_ref().map(FaultKind::name);
            world.journal.record(entry);
            let body = json!({"success": true});
            Ok(Some(Accepted { body, statuses: Vec::new(), first_before_answer: false }))
        }
        Request::Send(send) => {
            let rendered = check_template(world, &waba_id, send)?;
            let content = json!({&send.kind: &send.content});
            media::check_ids(world, number_id, &content, now)?;
            let customer = take_tokens(world, number_id, send, now)?;
            if draw(world, Stage::Answer, &subject, fault) {
                return Ok(None);
            }
            for (_, id) in media::ids(&content) {
                world.media.count_sent(&id);
            }
            let status_fault = world.faults.draw(Stage::Statuses, &subject);
            entry.fault = fault.as_ref().map(FaultKind::name);
            entry.status_fault = status_fault.as_ref().map(FaultKind::name);
            entry.biz_opaque_callback_data.clone_from(&send.opaque_data);
            Ok(Some(record(world, number_id, send, customer, rendered, status_fault.as_ref(), entry)))
        }
    }
}

/// Draws a fault of the answer. True if it keeps the request from being accepted.
fn draw(world: &mut World, stage: Stage, subject: &Subject<'_>, fault: &mut Option<FaultKind>) -> bool {
    *fault = world.faults.draw(stage, subject);
    fault.as_ref().is_some_and(|fault| !fault.accepts())
}

/// What the template that the message calls becomes; nothing for other kinds.
fn check_template(world: &World, waba: &str, send: &Send) -> Result<Rendered, GraphError> {
    if send.kind != "template" {
        return Ok(Rendered::default());
    }
    let (name, language) = (send.template(), send.content["language"]["code"].as_str().unwrap_or_default());
    let template = world.templates.find(waba, name, language).ok_or_else(|| template_call::missing(name, language))?;
    if matches!(send.address, Address::Bsuid(_)) && template_call::has_code_button(template) {
        return Err(GraphError::of(131_062));
    }
    let text = template_call::check(template, &send.content)?;
    let category = Some(template.category.to_ascii_lowercase());
    Ok(Rendered { text: Some(text), category, quick_replies: template.quick_replies() })
}

/// Takes a token of the pair and one of the number, or refuses and takes none. Answers who gets the message.
fn take_tokens(world: &mut World, number_id: &str, send: &Send, now: i64) -> Result<Option<CustomerKey>, GraphError> {
    let customer = match &send.address {
        Address::Phone(phone) => Some(world.customers.with_phone(phone)),
        Address::Bsuid(bsuid) => world.customers.with_bsuid(bsuid),
        Address::Group(_) | Address::Lost => None,
    };
    let World { numbers, chats, customers, .. } = world;
    let number = numbers.get_mut(number_id).ok_or_else(|| GraphError::no_object("post", number_id))?;
    if customer.is_some_and(|customer| customers.get(customer).phone == own_digits(number)) {
        return Err(GraphError::of(131_021));
    }
    let window_is_open = customer
        .and_then(|customer| chats.get(&(Arc::clone(&number.id), customer)))
        .is_some_and(|chat| chat.window_is_open(now));
    if number.settings.window == WindowMode::Sync && send.kind != "template" && customer.is_some() && !window_is_open {
        return Err(GraphError::with_details(
            131_047,
            "More than 24 hours have passed since the recipient last replied",
        ));
    }
    let pair = customer.map(|customer| chats.entry((Arc::clone(&number.id), customer)).or_default());
    let pair = pair.zip(number.settings.pair_limit);
    if let Some((chat, rate)) = &pair
        && !chat.bucket.has_token(*rate, now)
    {
        let details = "Message failed to send because there were too many messages sent from this phone number to the same \
                       phone number in a short period of time.";
        return Err(GraphError::with_details(131_056, details));
    }
    if let Some(rate) = number.rate() {
        if !number.bucket.has_token(rate, now) {
            let details = "Message failed to send because there were too many messages sent from this phone number in a short \
                           period of time";
            return Err(GraphError::with_details(130_429, details));
        }
        number.bucket.take(rate, now);
    }
    if let Some((chat, rate)) = pair {
        chat.bucket.take(rate, now);
    }
    Ok(customer)
}

fn own_digits(number: &Number) -> String {
    crate::world::customer::digits(&number.settings.display_phone_number)
}

/// Journals the message, shows it on the phone, and plans its statuses.
fn record(
    world: &mut World,
    number_id: &str,
    send: &Send,
    customer: Option<CustomerKey>,
    rendered: Rendered,
    status_fault: Option<&FaultKind>,
    mut entry: Entry,
) -> Accepted {
    let now = entry.received_at_ms;
    let wamid = world.ids.wamid();
    let number = Arc::clone(&entry.phone_number_id);
    let person = customer.map(|customer| world.customers.get(customer).clone());
    let mut contact = json!({"input": send.input});
    let mut message = json!({"id": wamid});
    match &send.address {
        Address::Bsuid(bsuid) => contact["user_id"] = bsuid.as_str().into(),
        Address::Group(group) => message["group_id"] = group.as_str().into(),
        // As Meta does: the letters are dropped, and the rest passes for a phone number.
        Address::Lost => contact["wa_id"] = crate::world::customer::digits(&send.input).into(),
        Address::Phone(phone) => {
            let known = person.as_ref().map_or(phone, |person| &person.wa_id);
            contact["wa_id"] = known.as_str().into();
        }
    }
    if send.kind == "template" {
        message["message_status"] = "accepted".into();
    }
    entry.delivered_to = person.as_ref().map(|person| person.wa_id.clone());
    entry.wamid = Some(wamid.clone());
    world.journal.record(entry);
    let failure = failure(world, number_id, send, customer, now);
    let by_bsuid = matches!(send.address, Address::Bsuid(_));
    let is_hidden = by_bsuid && person.as_ref().is_none_or(|person| person.phone_hidden);
    let recipient = Recipient {
        wa_id: match (&send.address, &person) {
            (Address::Group(group), _) => Some(group.clone()),
            (_, Some(person)) if !is_hidden => Some(person.wa_id.clone()),
            _ => None,
        },
        bsuid: match (&send.address, &person) {
            (Address::Bsuid(bsuid), None) => Some(bsuid.clone()),
            (_, person) => person.as_ref().map(|person| person.bsuid.clone()),
        },
        is_group: matches!(send.address, Address::Group(_)),
        by_bsuid,
        name: person.as_ref().map(|person| person.name.clone()).unwrap_or_default(),
        username: person.as_ref().and_then(|person| person.username.clone()),
    };
    let facts = Arc::new(SentMessage {
        wamid: wamid.clone(),
        phone_number_id: Arc::clone(&number),
        customer,
        opaque_data: send.opaque_data.clone(),
        category: rendered.category.clone().unwrap_or_else(|| "service".to_owned()),
        recipient,
    });
    if let Some(customer) = customer {
        if send.kind != "reaction" {
            world.business_sends(&number, customer, send, rendered, &facts, now);
        } else if failure.is_none() {
            world.business_reacts(&number, customer, &send.content);
        }
    }
    let settings = world.numbers.get(number_id).map(|number| number.settings.statuses).unwrap_or_default();
    let mut plan = Plan::of(&settings, failure, send.kind == "reaction", status_fault);
    if send.address == Address::Lost {
        plan = Plan::default();
    }
    let with_opaque_data = plan.with_opaque_data;
    let statuses = plan
        .steps
        .into_iter()
        .map(|(after, kind)| (now + after, DueStatus { message: Arc::clone(&facts), kind, with_opaque_data }))
        .collect();
    let body = json!({"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]});
    Accepted { body, statuses, first_before_answer: plan.first_before_answer }
}

/// Why an accepted message will fail, if it does.
fn failure(
    world: &mut World,
    number_id: &str,
    send: &Send,
    customer: Option<CustomerKey>,
    now: i64,
) -> Option<StatusKind> {
    if matches!(send.address, Address::Group(_) | Address::Lost) {
        return None;
    }
    let Some(customer) = customer.filter(|customer| world.customers.get(*customer).on_whatsapp) else {
        return Some(StatusKind::failed(131_026, None, None));
    };
    let number = world.numbers.get(number_id)?;
    let (id, window) = (Arc::clone(&number.id), number.settings.window);
    let chat = world.chat(&id, customer);
    if window == WindowMode::Async && send.kind != "template" && !chat.window_is_open(now) {
        return Some(StatusKind::failed(131_047, None, None));
    }
    if send.kind == "reaction" {
        let target = send.content["message_id"].as_str().unwrap_or_default();
        let month = 30 * 24 * 60 * 60 * 1000;
        let is_there = chat.find(target).is_some_and(|message| now - message.timestamp_ms < month);
        if !is_there {
            let details = "The message to react to is not known, is too old, or is a reaction".to_owned();
            return Some(StatusKind::failed(131_009, None, Some(details)));
        }
    }
    None
}
