use std::collections::{BTreeSet, HashMap, HashSet};

use kernel::ids::{AccountId, ContactId, ConversationId, InteractionId, MessageId};
use kernel::{Clock, Direction, Origin, StoreError};

use super::batch::is_placeholder;
use super::service_window::SERVICE_WINDOW;
use super::{
    ConversationUpdate, CustomerMessage, InboxRepo, IncomingMessage, MessageKey, NewMessage, OpenConversation,
};
use crate::{Interaction, InteractionKind};

/// The messages of a batch that have to be stored, each once. A message with content takes precedence over its placeholder.
#[derive(Debug, Default)]
pub(super) struct MessagesToStore {
    pub(super) new: Vec<IncomingMessage>,
    /// Messages of which a placeholder is stored.
    pub(super) placeholder_contents: Vec<IncomingMessage>,
}

pub(super) async fn deduplicate(
    repo: &mut dyn InboxRepo,
    mut messages: Vec<IncomingMessage>,
) -> Result<MessagesToStore, StoreError> {
    let keys: Vec<MessageKey> = messages.iter().map(IncomingMessage::key).collect();
    let stored_kinds = if keys.is_empty() { HashMap::new() } else { repo.stored_message_kinds(&keys).await? };
    messages.sort_by_key(IncomingMessage::is_placeholder);
    let mut seen = HashSet::new();
    let mut to_store = MessagesToStore::default();
    for message in messages.into_iter().filter(|message| seen.insert(message.key())) {
        match stored_kinds.get(&message.key()) {
            None => to_store.new.push(message),
            Some(kind) if is_placeholder(kind) && !message.is_placeholder() => {
                to_store.placeholder_contents.push(message);
            }
            Some(_) => {}
        }
    }
    Ok(to_store)
}

/// Stores messages in their conversations. Returns what was stored.
pub(super) async fn store(
    repo: &mut dyn InboxRepo,
    messages: Vec<IncomingMessage>,
    contacts: &[ContactId],
    clock: &dyn Clock,
) -> Result<Vec<NewMessage>, StoreError> {
    let conversations = find_conversations(repo, &messages, contacts, clock).await?;
    let new = messages.into_iter().zip(contacts).map(|(message, contact)| {
        let conversation = conversations.get(&(message.account, *contact)).copied();
        if conversation.is_none() && message.group_id.is_none() {
            // It was closed after it was found and before it was locked: the retry opens another.
            return Err(StoreError::Retryable("the conversation was closed by another transaction".into()));
        }
        Ok(new_message(message, *contact, conversation, clock))
    });
    let new = new.collect::<Result<Vec<_>, _>>()?;
    if !new.is_empty() {
        repo.insert_messages(&new, clock.now()).await?;
    }
    Ok(new)
}

/// Replaces placeholders by the content of their messages; the sender does not change. Returns the conversations whose
/// messages changed.
pub(super) async fn fill_placeholders(
    repo: &mut dyn InboxRepo,
    messages: Vec<IncomingMessage>,
    clock: &dyn Clock,
) -> Result<Vec<ConversationId>, StoreError> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    // Not stored: the placeholder keeps its contact.
    let contact = ContactId::new(clock);
    let contents: Vec<_> = messages.into_iter().map(|message| new_message(message, contact, None, clock)).collect();
    repo.fill_placeholders(&contents).await
}

fn new_message(
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
        parts: message.parts,
        media: message.media,
        reply_to: message.reply_to,
        forwarded: message.forwarded,
        referral: message.referral,
        payload: message.payload,
        delivery: message.delivery,
        provider_timestamp: message.provider_timestamp,
    }
}

/// The conversation of each account and contact in the batch. Messages from before the number was connected go to the last
/// conversation, closed or not; all others go to the open one.
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
    let mut add = |conversations: Vec<OpenConversation>| {
        found.extend(conversations.into_iter().map(|found| ((found.account, found.contact), found.id)));
    };
    if !old.is_empty() {
        let old: Vec<_> = old.into_iter().collect();
        let last = repo.last_conversations(&old).await?;
        let has_one: HashSet<_> = last.iter().map(|last| (last.account, last.contact)).collect();
        open.extend(old.into_iter().filter(|pair| !has_one.contains(pair)));
        add(last);
    }
    if !open.is_empty() {
        let wanted = open.into_iter().map(|(account, contact)| OpenConversation {
            id: ConversationId::new(clock),
            account,
            contact,
        });
        add(repo.open_conversations(&wanted.collect::<Vec<_>>(), clock.now()).await?);
    }
    Ok(found)
}

/// Of new messages, those that customers wrote to the business.
pub(super) fn from_customers(messages: &[NewMessage]) -> impl Iterator<Item = CustomerMessage> {
    let live = messages.iter().filter(|it| it.direction == Direction::Inbound && it.origin == Origin::Live);
    live.map(|it| CustomerMessage { key: (it.account, it.wamid.clone()), contact: it.contact })
}

/// The changes of conversations that follow from new messages.
pub(super) fn conversation_updates(messages: &[NewMessage]) -> impl Iterator<Item = ConversationUpdate> {
    messages.iter().filter_map(|message| {
        let inbound = message.direction == Direction::Inbound;
        Some(ConversationUpdate {
            conversation: message.conversation?,
            unread: i32::from(inbound && message.origin == Origin::Live),
            service_window_ends_at: inbound.then(|| message.provider_timestamp + SERVICE_WINDOW),
        })
    })
}

pub(super) fn interactions(messages: &[NewMessage], clock: &dyn Clock) -> Vec<Interaction> {
    let interactions = messages.iter().map(|message| Interaction {
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
    interactions.collect()
}
