use std::collections::HashMap;

use chrono::{DateTime, Utc};
use kernel::ids::{ConversationId, MediaId, MessageId, SendId};
use kernel::{ContentPart, MediaKind, MessageCategory, StoreError, Traceparent};
use media::{Media, MediaState, check_sendable};
use outbound::{
    Address, AttachedFile, Content, ContentError, Language, MAX_SCHEDULE, MessageToSend, NewOutboundMessage, NewSend,
    OnUnknown, SEND_WITHIN, SendKind, Sender, StoredTemplate, TemplateCategory, TemplateName, Thread, ToMetaError,
    message_json,
};

use super::SendFactsTx;
use crate::templates::{TemplateRefusal, fill, template_name};

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
    /// A file of the message; the pointer is within the body.
    #[error("{pointer} {problem}")]
    File { pointer: &'static str, problem: String },
    #[error(transparent)]
    Content(#[from] ContentError),
    #[error("the content cannot be sent yet")]
    NotSendable(#[from] ToMetaError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Templates that are offered instead.
pub(super) const USABLE_TEMPLATES: u16 = 50;

/// What is stored of a request.
pub(super) struct PreparedSend {
    pub(super) message: NewOutboundMessage,
    pub(super) send: NewSend,
    /// The file that the message is, or shows first.
    pub(super) file: Option<Media>,
}

/// What is stored that decides about requests, beside their conversations.
#[derive(Debug, Default)]
pub(super) struct SendFacts {
    templates: HashMap<TemplateName, StoredTemplate>,
    quoted: HashMap<MessageId, MessageToSend>,
    files: HashMap<MediaId, Media>,
}

impl SendFacts {
    /// Reads what is needed for all requests, each with its conversation.
    pub(super) async fn read(
        tx: &mut dyn SendFactsTx,
        requests: &[(&Thread, &MessageRequest)],
    ) -> Result<Self, StoreError> {
        let (mut names, mut quoted, mut files) = (Vec::new(), Vec::new(), Vec::new());
        for (thread, request) in requests {
            if let Content::Template(call) = &request.content
                && let Some(name) = template_name(&thread.waba_id, call)
                && !names.contains(&name)
            {
                names.push(name);
            }
            if let Some(Quoted::Message(message)) = &request.reply_to {
                quoted.push(*message);
            }
            files.extend(request.content.files().iter().map(|file| file.id));
        }
        let mut facts = Self::default();
        if !names.is_empty() {
            facts.templates = tx.templates_by_name(&names).await?;
        }
        if !quoted.is_empty() {
            facts.quoted = tx.messages_to_send(&quoted).await?;
        }
        if !files.is_empty() {
            facts.files = tx.media_by_id(&files).await?;
        }
        Ok(facts)
    }
}

/// Checks a request against its conversation, and makes the JSON for Meta. Reads what it needs.
pub(super) async fn prepare(
    tx: &mut dyn SendFactsTx,
    thread: &Thread,
    ids: (MessageId, SendId),
    sender: Sender,
    request: MessageRequest,
    now: DateTime<Utc>,
) -> Result<PreparedSend, SendMessageError> {
    let facts = SendFacts::read(tx, &[(thread, &request)]).await?;
    match decide(&facts, thread, ids, sender, request, now) {
        Err(SendMessageError::WindowClosed(_)) => {
            let usable = tx.usable_templates(&thread.waba_id, USABLE_TEMPLATES).await?;
            Err(SendMessageError::WindowClosed(usable))
        }
        decided => decided,
    }
}

/// Checks a request against its conversation, and makes the JSON for Meta. With [`SendMessageError::WindowClosed`] the templates that
/// are offered instead are still to be read.
pub(super) fn decide(
    facts: &SendFacts,
    thread: &Thread,
    (message, id): (MessageId, SendId),
    sender: Sender,
    mut request: MessageRequest,
    now: DateTime<Utc>,
) -> Result<PreparedSend, SendMessageError> {
    check_thread(thread)?;
    let filled = filled_template(facts, thread, &request.content)?;
    let reply_to_wamid = match &request.reply_to {
        Some(Quoted::Message(quoted)) => Some(quoted_wamid(facts, thread, *quoted)?),
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
        (true, None) => return Err(SendMessageError::WindowClosed(Vec::new())),
    };
    if category == MessageCategory::Marketing && thread.opted_out {
        return Err(SendMessageError::OptedOut);
    }
    let address = address(thread)?;
    let files = request.content.files();
    let file = check_files(facts, &request.content, &files)?;
    // Meta's ids of the files are put in when the message leaves.
    let placeholder = |id| files.iter().find(|file| file.id == id).map(AttachedFile::placeholder);
    let body = message_json(&address, &request.content, reply_to_wamid.as_deref(), None, &placeholder)?;
    let template = match &request.content {
        Content::Template(call) => Some(format!("{}/{}", call.name, call.language)),
        _ => None,
    };
    let recipient = match address {
        Address::Phone(text) | Address::Bsuid(text) | Address::Group(text) => text,
    };
    Ok(PreparedSend {
        file,
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

/// Whether the files are here, and Meta takes them for what they are sent as. Returns the first.
fn check_files(
    facts: &SendFacts,
    content: &Content,
    files: &[AttachedFile],
) -> Result<Option<Media>, SendMessageError> {
    for file in files {
        let refused = |problem: String| SendMessageError::File { pointer: file_pointer(content, file.kind), problem };
        let media = facts.files.get(&file.id).ok_or_else(|| refused("names no file".to_owned()))?;
        let Some(stored) = media.stored.as_ref().filter(|_| media.state == MediaState::Stored) else {
            return Err(refused(format!("names a file whose bytes are not here: it is {}", media.state.into_str())));
        };
        let mime_type = media.mime_type.as_deref().unwrap_or_default();
        check_sendable(file.kind, content.is_voice(), mime_type, stored.size)
            .map_err(|error| refused(error.to_string()))?;
    }
    Ok(files.first().and_then(|file| facts.files.get(&file.id)).cloned())
}

/// Where a file stands in the body of the request.
const fn file_pointer(content: &Content, kind: MediaKind) -> &'static str {
    match (content, kind) {
        (Content::Interactive(_), _) => "/interactive",
        (Content::Template(_), _) => "/template",
        (_, MediaKind::Image) => "/image/media_id",
        (_, MediaKind::Video) => "/video/media_id",
        (_, MediaKind::Audio) => "/audio/media_id",
        (_, MediaKind::Document) => "/document/media_id",
        (_, MediaKind::Sticker) => "/sticker/media_id",
    }
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
fn filled_template(
    facts: &SendFacts,
    thread: &Thread,
    content: &Content,
) -> Result<Option<FilledMessage>, SendMessageError> {
    let Content::Template(call) = content else { return Ok(None) };
    let stored = template_name(&thread.waba_id, call).and_then(|name| facts.templates.get(&name));
    let filled = fill(stored, call).map_err(|refusal| match refusal {
        TemplateRefusal::Content(error) => SendMessageError::Content(error),
        refusal => SendMessageError::TemplateNotUsable(refusal),
    })?;
    let category = match stored.map(|stored| stored.template.category) {
        Some(TemplateCategory::Marketing) => MessageCategory::Marketing,
        Some(TemplateCategory::Authentication) => MessageCategory::Authentication,
        Some(TemplateCategory::Utility | TemplateCategory::Other) | None => MessageCategory::Utility,
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

fn quoted_wamid(facts: &SendFacts, thread: &Thread, quoted: MessageId) -> Result<String, SendMessageError> {
    let problem = "is not a message of this conversation that WhatsApp knows";
    let unknown = SendMessageError::Field { pointer: "/reply_to", problem };
    let found = facts.quoted.get(&quoted).filter(|it| it.conversation == Some(thread.conversation));
    found.and_then(|message| message.wamid.clone()).ok_or(unknown)
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
