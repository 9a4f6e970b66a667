use std::collections::{BTreeMap, BTreeSet, HashMap};

use kernel::ids::{ContactId, ConversationId, InteractionId, MessageId};
use kernel::{Clock, Direction, Origin, StoreError};

use super::service_window::SERVICE_WINDOW;
use super::stored_message::Pair;
use super::{
    ConversationUpdate, CustomerMessage, InboxTx, IncomingMessage, Lock, MessageKey, NewMessage, OpenConversation,
    StoredMessage, Telling,
};
use crate::identity::{IdentityKey, Person};
use crate::{Interaction, InteractionKind};

/// The messages of a batch, each once.
#[derive(Debug, Default)]
pub(super) struct MessagesToStore {
    pub(super) new: Vec<IncomingMessage>,
    /// Tellings of messages that are stored already.
    pub(super) told_again: Vec<IncomingMessage>,
}

/// Combines the tellings of each message, and separates those of messages that are stored.
pub(super) async fn combine(
    repo: &mut dyn InboxTx,
    messages: Vec<IncomingMessage>,
) -> Result<MessagesToStore, StoreError> {
    if messages.is_empty() {
        return Ok(MessagesToStore::default());
    }
    let mut combined: Vec<IncomingMessage> = Vec::with_capacity(messages.len());
    let mut places: HashMap<MessageKey, usize> = HashMap::new();
    for message in messages {
        if let Some(first) = places.get(&message.key()).and_then(|place| combined.get_mut(*place)) {
            *first = first.clone().combined(message);
        } else {
            places.insert(message.key(), combined.len());
            combined.push(message);
        }
    }
    let keys: Vec<MessageKey> = combined.iter().map(IncomingMessage::key).collect();
    let stored = repo.stored_messages(&keys).await?;
    let (told_again, new): (Vec<_>, Vec<_>) = combined.into_iter().partition(|it| stored.contains_key(&it.key()));
    let told_again = with_known_senders(repo, told_again, &stored).await?;
    Ok(MessagesToStore { new, told_again })
}

/// Adds to the customers of the tellings a key of the contact that the message is stored with: a telling that names only a number,
/// and one that names only a BSUID, show that both are one person. The keys are locked.
async fn with_known_senders(
    repo: &mut dyn InboxTx,
    mut tellings: Vec<IncomingMessage>,
    stored: &HashMap<MessageKey, StoredMessage>,
) -> Result<Vec<IncomingMessage>, StoreError> {
    let sender = |telling: &IncomingMessage| {
        let stored = stored.get(&telling.key()).filter(|stored| stored.direction == telling.direction)?;
        telling.group_id.is_none().then_some(stored.contact)
    };
    let contacts: BTreeSet<ContactId> = tellings.iter().filter_map(sender).collect();
    if contacts.is_empty() {
        return Ok(tellings);
    }
    let keys = repo.keys_of_contacts(&contacts.into_iter().collect::<Vec<_>>()).await?;
    let locks: BTreeSet<&IdentityKey> = keys.values().flatten().collect();
    repo.lock(&locks.into_iter().cloned().map(Lock::Person).collect::<Vec<_>>()).await?;
    for telling in &mut tellings {
        if let Some(keys) = sender(telling).and_then(|contact| keys.get(&contact)) {
            let unknown = Person::unknown(telling.provider_timestamp);
            telling.customer = std::mem::replace(&mut telling.customer, unknown).known_as(keys);
        }
    }
    Ok(tellings)
}

/// What a batch changed of messages.
#[derive(Debug, Default)]
pub(super) struct StoredMessages {
    pub(super) new: Vec<NewMessage>,
    pub(super) tellings: Vec<Telling>,
    /// Messages that were known from elsewhere, and that a telling made messages of now.
    became_live: Vec<NewMessage>,
    /// Conversations whose messages changed or left.
    pub(super) changed: BTreeSet<ConversationId>,
}

/// Stores messages in their conversations, each with its contact, and completes stored ones by their other tellings. The contacts
/// were resolved: those of stored messages may have been merged.
pub(super) async fn store(
    repo: &mut dyn InboxTx,
    new: Vec<(IncomingMessage, ContactId)>,
    told_again: Vec<IncomingMessage>,
    clock: &dyn Clock,
) -> Result<StoredMessages, StoreError> {
    let stored = if told_again.is_empty() {
        HashMap::new()
    } else {
        repo.stored_messages(&told_again.iter().map(IncomingMessage::key).collect::<Vec<_>>()).await?
    };
    let told_again: Vec<(IncomingMessage, &StoredMessage)> = told_again
        .into_iter()
        .filter_map(|telling| stored.get(&telling.key()).map(|stored| (telling, stored)))
        .collect();
    let place = |message: &IncomingMessage, contact: ContactId| {
        message.group_id.is_none().then_some(((message.account, contact), message.origin == Origin::History))
    };
    let becomes_present = |(telling, stored): &(IncomingMessage, &StoredMessage)| {
        (stored.conversation.is_some() && stored.becomes_present(telling))
            .then_some(((telling.account, stored.contact), false))
    };
    let wanted = new.iter().filter_map(|(message, contact)| place(message, *contact));
    let wanted: BTreeSet<(Pair, bool)> = wanted.chain(told_again.iter().filter_map(becomes_present)).collect();
    let conversations = find_conversations(repo, wanted, clock).await?;
    // It was closed after it was found and before it was locked: the retry opens another.
    let closed = || StoreError::Retryable("the conversation was closed by another transaction".into());
    let find = |wanted: Option<(Pair, bool)>| {
        wanted.map(|wanted| conversations.get(&wanted).copied().ok_or_else(closed)).transpose()
    };

    let mut result = StoredMessages::default();
    for (message, contact) in new {
        let conversation = find(place(&message, contact))?;
        result.new.push(new_message(message, contact, conversation, clock));
    }
    for (telling, stored) in told_again {
        let moves_to = find(becomes_present(&(telling.clone(), stored)))?;
        let (has_better_content, has_higher_rank) =
            (stored.has_worse_content_than(&telling), stored.has_lower_rank_than(&telling));
        let became_live = stored.becomes_live(&telling);
        let message = new_message(telling, stored.contact, moves_to, clock);
        result.changed.extend(stored.conversation.into_iter().chain(moves_to));
        if became_live {
            let conversation = moves_to.or(stored.conversation);
            result.became_live.push(NewMessage { conversation, ..message.clone() });
        }
        result.tellings.push(Telling { message, has_better_content, has_higher_rank });
    }
    if !result.new.is_empty() {
        repo.insert_messages(&result.new, clock.now()).await?;
    }
    if !result.tellings.is_empty() {
        repo.complete_messages(&result.tellings).await?;
        let left: Vec<ConversationId> = result.changed.iter().copied().collect();
        for deleted in repo.delete_empty_imported(&left).await? {
            result.changed.remove(&deleted);
        }
    }
    Ok(result)
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
        arrival: message.arrival,
    }
}

/// The conversation of each account and contact: messages from before the number was connected go to the imported one, all others to
/// the open one.
pub(super) async fn find_conversations(
    repo: &mut dyn InboxTx,
    wanted: BTreeSet<(Pair, bool)>,
    clock: &dyn Clock,
) -> Result<BTreeMap<(Pair, bool), ConversationId>, StoreError> {
    let mut found = BTreeMap::new();
    for is_imported in [true, false] {
        let pairs = wanted.iter().filter(|(_, of)| *of == is_imported);
        let wanted: Vec<OpenConversation> = pairs
            .map(|((account, contact), _)| OpenConversation {
                id: ConversationId::new(clock),
                account: *account,
                contact: *contact,
            })
            .collect();
        if wanted.is_empty() {
            continue;
        }
        let conversations = if is_imported {
            repo.imported_conversations(&wanted, clock.now()).await?
        } else {
            repo.open_conversations(&wanted, clock.now()).await?
        };
        found.extend(conversations.into_iter().map(|it| (((it.account, it.contact), is_imported), it.id)));
    }
    Ok(found)
}

impl StoredMessages {
    /// Messages that customers wrote to the business, and that were not known as such before.
    pub(super) fn messages_of_customers(&self) -> impl Iterator<Item = CustomerMessage> {
        let live = self.new.iter().filter(|it| it.origin == Origin::Live).chain(&self.became_live);
        let inbound = live.filter(|it| it.direction == Direction::Inbound);
        inbound.map(|it| CustomerMessage { key: (it.account, it.wamid.clone()), contact: it.contact })
    }

    /// The changes of conversations that follow.
    pub(super) fn conversation_updates(&self) -> impl Iterator<Item = ConversationUpdate> {
        let updates = self.new.iter().chain(&self.became_live).filter_map(|message| {
            let inbound = message.direction == Direction::Inbound;
            Some(ConversationUpdate {
                conversation: message.conversation?,
                unread: i32::from(inbound && message.origin == Origin::Live),
                news: i32::from(inbound && message.origin == Origin::Live),
                service_window_ends_at: inbound.then(|| message.provider_timestamp + SERVICE_WINDOW),
                missed_call: None,
            })
        });
        updates.chain(self.changed.iter().copied().map(ConversationUpdate::of))
    }
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
        about: None,
        source: None,
        occurred_at: message.provider_timestamp,
        arrival: message.arrival,
    });
    interactions.collect()
}
