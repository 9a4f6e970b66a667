use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::TimeDelta;
use kernel::ids::{AccountId, ContactId, ConversationId, InteractionId, MessageId};
use kernel::{Clock, StoreError};

use super::{InboundMessage, NewMessage, OpenConversation, Received};
use crate::identity::{self, Person};
use crate::{InboxRepo, Interaction, InteractionKind, ReplyTo};

/// A rule of WhatsApp: a business may answer freely for 24 hours after the customer's last message.
const SERVICE_WINDOW: TimeDelta = TimeDelta::hours(24);
const PREVIEW_CHARS: usize = 120;

/// What recording a batch did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Messages that were not stored before.
    pub messages: usize,
}

/// Records a batch of inbound messages of one tenant: finds or makes their contacts and conversations, stores the
/// messages, and writes interactions and unread counts for those that are new. A message that is stored already changes
/// nothing, so the same batch may be recorded any number of times, by any number of workers at once.
///
/// # Errors
/// [`StoreError`]; nothing of the batch may be committed then.
pub async fn record_inbound(
    repo: &mut dyn InboxRepo,
    batch: Vec<InboundMessage>,
    clock: &dyn Clock,
) -> Result<Recorded, StoreError> {
    let now = clock.now();
    // Everyone in the batch is locked before anything is read: what is read below stays true until the commit.
    let keys: BTreeSet<_> = batch.iter().flat_map(|message| message.sender.keys_to_look_up()).collect();
    let keys: Vec<_> = keys.into_iter().collect();
    repo.lock_people(&keys).await?;

    let batch = not_recorded_yet(repo, batch).await?;
    if batch.is_empty() {
        return Ok(Recorded::default());
    }
    let contacts = find_contacts(repo, &keys, &batch, clock).await?;
    let conversations = find_conversations(repo, &batch, &contacts, clock).await?;

    let messages: Vec<NewMessage> = batch
        .into_iter()
        .zip(contacts)
        .map(|(message, contact)| {
            let open = conversations.get(&(message.account, contact));
            // It was closed between being found and being locked: the next try opens another.
            let conversation =
                *open.ok_or_else(|| StoreError::Retryable("a conversation was closed just now".into()))?;
            Ok(NewMessage {
                id: MessageId::new(clock),
                conversation,
                contact,
                account: message.account,
                wamid: message.wamid,
                kind: message.kind,
                text: message.text,
                media: message.media,
                reply_to: message.reply_to.map(|wamid| ReplyTo { wamid, message: None }),
                referral: message.referral,
                payload: message.payload,
                provider_timestamp: message.provider_timestamp,
            })
        })
        .collect::<Result<_, StoreError>>()?;
    let stored = repo.insert_messages(&messages, now).await?;
    let new: Vec<&NewMessage> = messages.iter().filter(|message| stored.contains(&message.id)).collect();

    repo.insert_interactions(&interactions(&new, clock), now).await?;
    repo.note_received(&received(&new)).await?;
    Ok(Recorded { messages: new.len() })
}

/// The messages of the batch that are not stored, each once.
async fn not_recorded_yet(
    repo: &mut dyn InboxRepo,
    batch: Vec<InboundMessage>,
) -> Result<Vec<InboundMessage>, StoreError> {
    let key = |message: &InboundMessage| (message.account, message.wamid.clone());
    let wanted: Vec<_> = batch.iter().map(key).collect();
    let mut seen: HashSet<(AccountId, String)> = repo.known_messages(&wanted).await?;
    Ok(batch.into_iter().filter(|message| seen.insert(key(message))).collect())
}

/// The contact of each message's sender.
async fn find_contacts(
    repo: &mut dyn InboxRepo,
    keys: &[identity::IdentityKey],
    batch: &[InboundMessage],
    clock: &dyn Clock,
) -> Result<Vec<ContactId>, StoreError> {
    let now = clock.now();
    let known = repo.identities(keys).await?;
    let people: Vec<Person> = batch.iter().map(|message| message.sender.clone()).collect();
    let resolution = identity::resolve(&known, &people, clock);
    if !resolution.new.is_empty() {
        repo.insert_contacts(&resolution.new, now).await?;
    }
    if !resolution.attached.is_empty() {
        repo.insert_identities(&resolution.attached, now).await?;
    }
    if !resolution.contradicted.is_empty() {
        repo.flag_for_review(&resolution.contradicted, now).await?;
    }
    Ok(resolution.contacts)
}

/// The open conversation of each account and contact in the batch.
async fn find_conversations(
    repo: &mut dyn InboxRepo,
    batch: &[InboundMessage],
    contacts: &[ContactId],
    clock: &dyn Clock,
) -> Result<HashMap<(AccountId, ContactId), ConversationId>, StoreError> {
    let pairs: BTreeSet<_> = batch.iter().map(|message| message.account).zip(contacts.iter().copied()).collect();
    let wanted: Vec<_> = pairs
        .into_iter()
        .map(|(account, contact)| OpenConversation { id: ConversationId::new(clock), account, contact })
        .collect();
    let open = repo.open_conversations(&wanted, clock.now()).await?;
    Ok(open.into_iter().map(|open| ((open.account, open.contact), open.id)).collect())
}

fn interactions(messages: &[&NewMessage], clock: &dyn Clock) -> Vec<Interaction> {
    messages
        .iter()
        .map(|message| Interaction {
            id: InteractionId::new(clock),
            contact: message.contact,
            kind: InteractionKind::InboundMessage,
            text: preview(&message.text),
            actor: None,
            message: Some(message.id),
            occurred_at: message.provider_timestamp,
        })
        .collect()
}

/// What each conversation received, in the order of their ids: rows are then locked in one order by every worker.
fn received(messages: &[&NewMessage]) -> Vec<Received> {
    let mut conversations: BTreeMap<ConversationId, Received> = BTreeMap::new();
    for message in messages {
        let entry = Received {
            conversation: message.conversation,
            messages: 1,
            last_message_at: message.provider_timestamp,
            last_message_preview: preview(&message.text),
            service_window_ends_at: message.provider_timestamp + SERVICE_WINDOW,
        };
        conversations
            .entry(message.conversation)
            .and_modify(|all| {
                all.messages += 1;
                if entry.last_message_at >= all.last_message_at {
                    *all = Received { messages: all.messages, ..entry.clone() };
                }
            })
            .or_insert(entry);
    }
    conversations.into_values().collect()
}

/// The first line or so.
fn preview(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(PREVIEW_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previews_are_one_short_line() {
        assert_eq!(preview("hello\n  world"), "hello world");
        assert_eq!(preview(&"é".repeat(500)).chars().count(), PREVIEW_CHARS + 1);
    }
}
