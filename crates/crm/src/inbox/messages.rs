use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use kernel::ids::{AccountId, ContactId, ConversationId, InteractionId, MessageId};
use kernel::{Clock, StoreError};

use super::batch::is_placeholder;
use super::{ConversationNews, CustomerMessage, InboxRepo, IncomingMessage, MessageKey};
use crate::{Delivery, Direction, Forwarded, Interaction, InteractionKind, Media, Origin};

/// A rule of WhatsApp: a business may answer freely for 24 hours after the customer last wrote or called.
pub(super) const SERVICE_WINDOW: TimeDelta = TimeDelta::hours(24);

/// A message that has found its place.
#[derive(Clone, Debug)]
pub struct NewMessage {
    pub id: MessageId,
    /// None for one in a group.
    pub conversation: Option<ConversationId>,
    pub contact: ContactId,
    pub account: AccountId,
    pub wamid: String,
    pub direction: Direction,
    pub origin: Origin,
    pub group_id: Option<String>,
    pub kind: String,
    pub text: String,
    pub media: Option<Media>,
    pub reply_to: Option<String>,
    pub forwarded: Option<Forwarded>,
    pub referral: Option<String>,
    pub payload: String,
    pub delivery: Option<Delivery>,
    pub provider_timestamp: DateTime<Utc>,
}

/// A conversation of an account and a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenConversation {
    pub id: ConversationId,
    pub account: AccountId,
    pub contact: ContactId,
}

/// The messages of a batch that are to be stored: each once, those with content before placeholders for the same one.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    pub(super) new: Vec<IncomingMessage>,
    /// Only a placeholder is stored of these.
    pub(super) fillings: Vec<IncomingMessage>,
}

pub(super) async fn sort_out(
    repo: &mut dyn InboxRepo,
    mut messages: Vec<IncomingMessage>,
) -> Result<Sorted, StoreError> {
    let keys: Vec<MessageKey> = messages.iter().map(IncomingMessage::key).collect();
    let known = if keys.is_empty() { HashMap::new() } else { repo.known_messages(&keys).await? };
    messages.sort_by_key(IncomingMessage::is_placeholder);
    let mut seen = HashSet::new();
    let mut sorted = Sorted::default();
    for message in messages.into_iter().filter(|message| seen.insert(message.key())) {
        match known.get(&message.key()) {
            None => sorted.new.push(message),
            Some(stored) if is_placeholder(stored) && !message.is_placeholder() => sorted.fillings.push(message),
            Some(_) => {}
        }
    }
    Ok(sorted)
}

/// Stores messages in the conversations that they belong to. Answers what was stored.
pub(super) async fn store(
    repo: &mut dyn InboxRepo,
    messages: Vec<IncomingMessage>,
    contacts: &[ContactId],
    clock: &dyn Clock,
) -> Result<Vec<NewMessage>, StoreError> {
    let conversations = find_conversations(repo, &messages, contacts, clock).await?;
    let placed = messages.into_iter().zip(contacts).map(|(message, contact)| {
        let conversation = conversations.get(&(message.account, *contact)).copied();
        if conversation.is_none() && message.group_id.is_none() {
            // It was closed between being found and being locked: the next try opens another.
            return Err(StoreError::Retryable("a conversation was closed just now".into()));
        }
        Ok(place(message, *contact, conversation, clock))
    });
    let placed = placed.collect::<Result<Vec<_>, _>>()?;
    if !placed.is_empty() {
        repo.insert_messages(&placed, clock.now()).await?;
    }
    Ok(placed)
}

/// Puts content where only placeholders are. Who the message is from does not change. Answers the conversations that read
/// differently now.
pub(super) async fn fill(
    repo: &mut dyn InboxRepo,
    messages: Vec<IncomingMessage>,
    clock: &dyn Clock,
) -> Result<Vec<ConversationId>, StoreError> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let nobody = ContactId::new(clock);
    let fillings: Vec<_> = messages.into_iter().map(|message| place(message, nobody, None, clock)).collect();
    repo.fill_placeholders(&fillings).await
}

fn place(
    message: IncomingMessage,
    contact: ContactId,
    conversation: Option<ConversationId>,
    clock: &dyn Clock,
) -> NewMessage {
    NewMessage {
        id: MessageId::new(clock),
        conversation: conversation.filter(|_| message.group_id.is_none()),
        contact,
        account: message.account,
        wamid: message.wamid,
        direction: message.direction,
        origin: message.origin,
        group_id: message.group_id,
        kind: message.kind,
        text: message.text,
        media: message.media,
        reply_to: message.reply_to,
        forwarded: message.forwarded,
        referral: message.referral,
        payload: message.payload,
        delivery: message.delivery,
        provider_timestamp: message.provider_timestamp,
    }
}

/// The conversation of each account and contact in the batch. What is from before the number was connected goes to the last
/// conversation there is, closed or not; everything else to the open one.
async fn find_conversations(
    repo: &mut dyn InboxRepo,
    messages: &[IncomingMessage],
    contacts: &[ContactId],
    clock: &dyn Clock,
) -> Result<HashMap<(AccountId, ContactId), ConversationId>, StoreError> {
    let in_conversations = || messages.iter().zip(contacts).filter(|(message, _)| message.group_id.is_none());
    let pair = |(message, contact): (&IncomingMessage, &ContactId)| (message.account, *contact);
    let (old, live): (Vec<_>, Vec<_>) = in_conversations().partition(|(message, _)| message.origin == Origin::History);
    let mut open: BTreeSet<_> = live.into_iter().map(pair).collect();
    let old: BTreeSet<_> = old.into_iter().map(pair).filter(|pair| !open.contains(pair)).collect();

    let mut found = HashMap::new();
    let mut note = |conversations: Vec<OpenConversation>| {
        found.extend(conversations.into_iter().map(|found| ((found.account, found.contact), found.id)));
    };
    if !old.is_empty() {
        let old: Vec<_> = old.into_iter().collect();
        let last = repo.last_conversations(&old).await?;
        let has_one: HashSet<_> = last.iter().map(|last| (last.account, last.contact)).collect();
        open.extend(old.into_iter().filter(|pair| !has_one.contains(pair)));
        note(last);
    }
    if !open.is_empty() {
        let wanted = open.into_iter().map(|(account, contact)| OpenConversation {
            id: ConversationId::new(clock),
            account,
            contact,
        });
        note(repo.open_conversations(&wanted.collect::<Vec<_>>(), clock.now()).await?);
    }
    Ok(found)
}

/// The new messages that customers just wrote.
pub(super) fn from_customers(messages: &[NewMessage]) -> impl Iterator<Item = CustomerMessage> {
    let live = messages.iter().filter(|it| it.direction == Direction::Inbound && it.origin == Origin::Live);
    live.map(|it| CustomerMessage { key: (it.account, it.wamid.clone()), contact: it.contact })
}

/// What new messages mean for their conversation.
pub(super) fn news(messages: &[NewMessage]) -> impl Iterator<Item = ConversationNews> {
    messages.iter().filter_map(|message| {
        let inbound = message.direction == Direction::Inbound;
        Some(ConversationNews {
            conversation: message.conversation?,
            unread: i32::from(inbound && message.origin == Origin::Live),
            service_window_ends_at: inbound.then(|| message.provider_timestamp + SERVICE_WINDOW),
        })
    })
}

pub(super) fn interactions(messages: &[NewMessage], clock: &dyn Clock) -> Vec<Interaction> {
    let told = messages.iter().map(|message| Interaction {
        id: InteractionId::new(clock),
        contact: message.contact,
        kind: match (&message.group_id, message.direction) {
            (Some(_), _) => InteractionKind::GroupMessage,
            (None, Direction::Inbound) => InteractionKind::InboundMessage,
            (None, Direction::Outbound) => InteractionKind::OutboundMessage,
        },
        text: message.text.clone(),
        actor: None,
        message: Some(message.id),
        source: None,
        occurred_at: message.provider_timestamp,
    });
    told.collect()
}
