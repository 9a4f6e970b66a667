use chrono::{DateTime, Utc};
use crm::identity::{Identity, IdentityKey};
use crm::{Message, ReplyTo, Titled};
use kernel::ids::{ConversationId, InteractionId, MessageId, SendId};
use kernel::{Clock, ContentPart, Direction, MessageCategory, MessagesSend, Origin, Permit, StoreError, Traceparent};
use outbound::{
    Address, Content, ContentError, Language, MAX_SCHEDULE, MessagePlace, NewOutboundMessage, NewSend, OnUnknown,
    SEND_WITHIN, SendKind, Sender, TemplateCategory, Thread, ToMetaError, message_json,
};

use super::{OutboundMessage, SendMessageTx};
use crate::templates::{TemplateRefusal, fill_template};

/// What a caller wants to be sent.
#[derive(Clone, Debug)]
pub struct MessageRequest {
    pub content: Content,
    /// The content as the API takes it.
    pub content_json: String,
    pub reply_to: Option<Quoted>,
    pub times: SendTimes,
    pub on_unknown: OnUnknown,
    pub cancel_if_customer_writes: bool,
    pub client_ref: Option<String>,
    pub trace: Option<Traceparent>,
}

/// The message that is quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quoted {
    /// A message of the same conversation.
    Message(MessageId),
    /// Its id at WhatsApp, as it was found when the message was first to be sent.
    Wamid(String),
}

/// When a message may leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendTimes {
    /// Not before; now if it is not given.
    pub send_at: Option<DateTime<Utc>>,
    /// Not later; a day after that if it is not given.
    pub send_before: Option<DateTime<Utc>>,
}

#[derive(Debug, thiserror::Error)]
pub enum SendMessageError {
    #[error("the conversation does not exist")]
    NotFound,
    /// The number cannot send now; the text says what to do.
    #[error("the number cannot send: {0}")]
    ChannelNotReady(&'static str),
    #[error("another party answers in this conversation")]
    ReadOnly,
    #[error("a newer conversation of the same contact and number is open")]
    NewerConversation(ConversationId),
    /// With the templates that can be sent.
    #[error("the 24 hours for free answers are over")]
    WindowClosed(Vec<(String, Language)>),
    /// It is not there, or Meta does not send it.
    #[error("{0}")]
    TemplateNotUsable(TemplateRefusal),
    #[error("the contact takes no marketing messages")]
    OptedOut,
    /// A member of the request; the pointer is within the body.
    #[error("{pointer} {problem}")]
    Field { pointer: &'static str, problem: &'static str },
    #[error(transparent)]
    Content(#[from] ContentError),
    #[error("the content cannot be sent yet")]
    NotSendable(#[from] ToMetaError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Templates that are offered instead.
const USABLE_TEMPLATES: u16 = 50;

/// What is stored of a request.
pub(super) struct PreparedSend {
    pub(super) message: NewOutboundMessage,
    pub(super) send: NewSend,
}

/// Stores a message to be sent. It leaves later: then window, consent and the state of the number count as they are at that
/// moment; what cannot work now is refused now.
///
/// # Errors
/// [`SendMessageError`].
pub async fn send_message(
    permit: Permit<MessagesSend>,
    tx: &mut dyn SendMessageTx,
    conversation: ConversationId,
    request: MessageRequest,
    clock: &dyn Clock,
) -> Result<OutboundMessage, SendMessageError> {
    let now = clock.now();
    let thread = tx.lock_thread(conversation).await?.ok_or(SendMessageError::NotFound)?;
    let ids = (MessageId::new(clock), SendId::new(clock));
    let sender = Sender::from(permit.actor());
    let PreparedSend { message, send } = prepare(tx, &thread, ids, sender, request, now).await?;
    let place = tx.insert_message_send(&message, &send, InteractionId::new(clock), now).await?;
    Ok(stored(&thread, message, send, place, now))
}

/// The message as it is stored now, without reading it.
fn stored(
    thread: &Thread,
    message: NewOutboundMessage,
    send: NewSend,
    place: MessagePlace,
    now: DateTime<Utc>,
) -> OutboundMessage {
    let reply_to_wamid = message.reply_to_wamid.clone();
    let reply_to = send.reply_to.map(|quoted| (message.reply_to_wamid.clone().unwrap_or_default(), quoted));
    OutboundMessage {
        message: Titled {
            row: Message {
                id: message.id,
                conversation: thread.conversation,
                wamid: None,
                direction: Direction::Outbound,
                origin: Origin::Api,
                kind: message.kind,
                text: message.text,
                parts: message.parts,
                media: None,
                reply_to: reply_to.map(|(wamid, quoted)| ReplyTo { wamid, message: Some(quoted) }),
                forwarded: None,
                referral: None,
                reactions: Vec::new(),
                delivery: None,
                delivery_steps: Vec::new(),
                edited_at: None,
                revoked_at: None,
                payload: None,
                provider_timestamp: place.at,
                arrival: place.arrival,
                created_at: now,
            },
            contact_title: title(thread),
        },
        send: Some(send.stored(reply_to_wamid)),
    }
}

fn title(thread: &Thread) -> String {
    let username = thread.username.as_deref().map(IdentityKey::username);
    let phone = thread.phone.as_deref().and_then(|phone| IdentityKey::phone(phone.trim_start_matches('+')));
    let identities: Vec<Identity> =
        [phone, username].into_iter().flatten().map(|key| Identity { key, current: true }).collect();
    crm::title(&thread.contact_name, &identities)
}

/// Checks a request against its conversation, and makes the JSON for Meta.
pub(super) async fn prepare(
    tx: &mut dyn SendMessageTx,
    thread: &Thread,
    (message, id): (MessageId, SendId),
    sender: Sender,
    mut request: MessageRequest,
    now: DateTime<Utc>,
) -> Result<PreparedSend, SendMessageError> {
    check_thread(thread)?;
    let filled = filled_template(tx, thread, &request.content).await?;
    let reply_to_wamid = match &request.reply_to {
        Some(Quoted::Message(quoted)) => Some(quoted_wamid(tx, thread, *quoted).await?),
        Some(Quoted::Wamid(wamid)) => Some(wamid.clone()),
        None => None,
    };
    let is_free_form = !matches!(request.content, Content::Template(_));
    let (category, text, parts) = match filled {
        Some(FilledMessage { content, category, text, parts }) => {
            request.content = content;
            (category, text, parts)
        }
        None => (MessageCategory::Service, request.content.text(), request.content.parts()),
    };
    let leaves_at = request.times.send_at.unwrap_or(now);
    let (send_at, send_before) = check_times(request.times, now)?;
    let window = thread.service_window_ends_at.filter(|end| *end > leaves_at);
    let send_before = match (is_free_form, window) {
        (false, _) => send_before,
        (true, Some(end)) => send_before.min(end),
        (true, None) => {
            let usable = tx.usable_templates(&thread.waba_id, USABLE_TEMPLATES).await?;
            return Err(SendMessageError::WindowClosed(usable));
        }
    };
    if category == MessageCategory::Marketing && thread.opted_out {
        return Err(SendMessageError::OptedOut);
    }
    let address = address(thread)?;
    let body = message_json(&address, &request.content, reply_to_wamid.as_deref(), None, &|_| None)?;
    let template = match &request.content {
        Content::Template(call) => Some(format!("{}/{}", call.name, call.language)),
        _ => None,
    };
    let recipient = match address {
        Address::Phone(text) | Address::Bsuid(text) | Address::Group(text) => text,
    };
    Ok(PreparedSend {
        message: NewOutboundMessage {
            id: message,
            contact: thread.contact,
            kind: request.content.kind().into_str().to_owned(),
            text,
            parts,
            reply_to_wamid,
        },
        send: NewSend {
            id,
            kind: SendKind::Message,
            reply_to: match request.reply_to {
                Some(Quoted::Message(quoted)) => Some(quoted),
                _ => None,
            },
            account: thread.account,
            conversation: thread.conversation,
            message,
            priority: sender.priority(),
            send_at,
            send_before,
            on_unknown: request.on_unknown,
            cancel_if_customer_writes: request.cancel_if_customer_writes,
            is_free_form,
            template,
            category: Some(category),
            recipient,
            content: request.content_json,
            body,
            client_ref: request.client_ref,
            sender,
            trace: request.trace,
        },
    })
}

/// A template with its gaps filled.
struct FilledMessage {
    content: Content,
    category: MessageCategory,
    /// As the customer sees it.
    text: String,
    parts: Vec<ContentPart>,
}

/// Checks a template against its copy; `None` for other content.
async fn filled_template(
    tx: &mut dyn SendMessageTx,
    thread: &Thread,
    content: &Content,
) -> Result<Option<FilledMessage>, SendMessageError> {
    let Content::Template(call) = content else { return Ok(None) };
    let (stored, filled) = fill_template(tx, &thread.waba_id, call).await?.map_err(|refusal| match refusal {
        TemplateRefusal::Content(error) => SendMessageError::Content(error),
        refusal => SendMessageError::TemplateNotUsable(refusal),
    })?;
    let category = match stored.template.category {
        TemplateCategory::Marketing => MessageCategory::Marketing,
        TemplateCategory::Authentication => MessageCategory::Authentication,
        TemplateCategory::Utility | TemplateCategory::Other => MessageCategory::Utility,
    };
    let (text, parts) = (filled.text(), filled.parts());
    Ok(Some(FilledMessage { content: Content::Template(Box::new(filled.call)), category, text, parts }))
}

/// Whether messages can be sent in a conversation now.
pub(super) fn check_thread(thread: &Thread) -> Result<(), SendMessageError> {
    if thread.is_read_only {
        return Err(SendMessageError::ReadOnly);
    }
    if let Some(other) = thread.other_open {
        return Err(SendMessageError::NewerConversation(other));
    }
    if !thread.is_connected {
        return Err(SendMessageError::ChannelNotReady("connect the number, or have an operator approve it"));
    }
    if !thread.has_token {
        return Err(SendMessageError::ChannelNotReady("set the number's access token"));
    }
    if !thread.is_registered {
        return Err(SendMessageError::ChannelNotReady("register the number at Meta, then check it"));
    }
    Ok(())
}

/// Where to send: the phone number if it is known, as webhooks carry it then, too; else the BSUID.
pub(super) fn address(thread: &Thread) -> Result<Address, SendMessageError> {
    let phone = thread.phone.as_deref().and_then(|phone| Address::phone(phone).ok());
    let bsuid = || thread.bsuid.as_deref().and_then(|bsuid| Address::bsuid(bsuid).ok());
    let problem = "has no phone number or WhatsApp user id to send to";
    phone.or_else(bsuid).ok_or(SendMessageError::Field { pointer: "/to", problem })
}

async fn quoted_wamid(
    tx: &mut dyn SendMessageTx,
    thread: &Thread,
    quoted: MessageId,
) -> Result<String, SendMessageError> {
    let problem = "is not a message of this conversation that WhatsApp knows";
    let unknown = SendMessageError::Field { pointer: "/reply_to", problem };
    let found = tx.message_to_send(quoted).await?.filter(|it| it.conversation == Some(thread.conversation));
    found.and_then(|message| message.wamid).ok_or(unknown)
}

fn check_times(
    times: SendTimes,
    now: DateTime<Utc>,
) -> Result<(Option<DateTime<Utc>>, DateTime<Utc>), SendMessageError> {
    // A time that has passed means now.
    let send_at = times.send_at.filter(|at| *at > now);
    if send_at.is_some_and(|at| at > now + MAX_SCHEDULE) {
        return Err(SendMessageError::Field { pointer: "/send_at", problem: "must be within 90 days" });
    }
    let earliest = send_at.unwrap_or(now);
    match times.send_before {
        Some(before) if before <= earliest => {
            let problem = "must be in the future, and after send_at";
            Err(SendMessageError::Field { pointer: "/send_before", problem })
        }
        Some(before) => Ok((send_at, before)),
        None => Ok((send_at, earliest + SEND_WITHIN)),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn times_are_bounded_and_have_defaults() {
        let check = |send_at: Option<i64>, send_before: Option<i64>| {
            let times = SendTimes { send_at: send_at.map(at), send_before: send_before.map(at) };
            check_times(times, at(1_000)).map_err(|error| error.to_string().split(' ').next().unwrap().to_owned())
        };
        assert_eq!(check(None, None), Ok((None, at(1_000) + SEND_WITHIN)));
        assert_eq!(check(Some(900), None), Ok((None, at(1_000) + SEND_WITHIN)));
        assert_eq!(check(Some(2_000), None), Ok((Some(at(2_000)), at(2_000) + SEND_WITHIN)));
        assert_eq!(check(Some(2_000), Some(2_001)), Ok((Some(at(2_000)), at(2_001))));
        assert_eq!(check(Some(2_000), Some(2_000)), Err("/send_before".to_owned()));
        assert_eq!(check(None, Some(1_000)), Err("/send_before".to_owned()));
        let far = (at(1_001) + MAX_SCHEDULE + TimeDelta::seconds(1)).timestamp();
        assert_eq!(check(Some(far), None), Err("/send_at".to_owned()));
    }
}
