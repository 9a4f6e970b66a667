use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use kernel::ids::ContactId;
use kernel::{Clock, StoreError};

use super::{Batch, ConversationNews, InboxTx, Lock, MessageKey, activities, erased, messages, people, updates};
use crate::identity::{IdentityChange, IdentityKey, Person};

/// How long we wait for a message that something is told of, and for a person that nobody knows. Meta repeats a delivery for
/// seven days, so that much later it may come; what has not come after twice that was sent by another tool and never will.
/// Whoever parks something clears away some of what is older, so a tenant's parked updates do not grow beyond this.
pub const PARKED: TimeDelta = TimeDelta::days(14);

/// What recording a batch did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Messages that were not stored before.
    pub messages: usize,
    /// Those among them that customers just wrote.
    pub from_customers: Vec<CustomerMessage>,
}

/// A message that a customer wrote to the business: not one from before the number was connected, and none in a thread that
/// somebody else holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerMessage {
    pub key: MessageKey,
    pub contact: ContactId,
}

/// Records a batch: finds or makes contacts and conversations, stores messages and what became of them, and writes what
/// there is to tell of it. What is stored already changes nothing, so the same batch may be recorded any number of times, by
/// any number of workers at once.
///
/// # Errors
/// [`StoreError`]; nothing of the batch may be committed then.
pub async fn record(repo: &mut dyn InboxTx, batch: Batch, clock: &dyn Clock) -> Result<Recorded, StoreError> {
    if batch.is_empty() {
        return Ok(Recorded::default());
    }
    let now = clock.now();
    repo.begin_recording().await?;
    let keys = identity_keys(&batch);
    repo.lock(&locks(&batch, &keys)).await?;
    let batch = erased::without_erased(batch, &repo.erased(&keys).await?);
    let keys = identity_keys(&batch);

    let sorted = messages::sort_out(repo, batch.messages).await?;
    let mut touched: BTreeSet<MessageKey> = sorted.fillings.iter().map(super::IncomingMessage::key).collect();
    let filled = messages::fill(repo, sorted.fillings, clock).await?;

    // Everyone in one list, so that one who appears twice is one.
    let people: Vec<Person> = (sorted.new.iter().map(|message| &message.customer))
        .chain(batch.updates.iter().filter_map(|update| update.customer.as_ref()))
        .chain(batch.activities.iter().map(|activity| &activity.customer))
        .cloned()
        .collect();
    let told = people::Told { changes: &batch.changes, sightings: &batch.sightings };
    let (mut contacts, mut told) = people::find_contacts(repo, &people, told, &keys, clock).await?;
    let of_others = contacts.split_off(sorted.new.len());
    let mut of_others = of_others.into_iter();

    let stored = messages::store(repo, sorted.new, &contacts, clock).await?;
    told.extend(messages::interactions(&stored, clock));
    touched.extend(stored.iter().map(|message| (message.account, message.wamid.clone())));

    let mut new_updates = Vec::new();
    for update in &batch.updates {
        let contact = update.customer.as_ref().and_then(|_| of_others.next());
        told.extend(contact.and_then(|contact| updates::interaction(update, contact, clock)));
        new_updates.push(updates::new_update(update, contact));
        touched.insert(update.message.clone());
    }
    if !new_updates.is_empty() {
        repo.insert_updates(&new_updates, now).await?;
        repo.forget_parked(now - PARKED).await?;
    }
    let touched: Vec<_> = touched.into_iter().collect();
    let refreshed = if touched.is_empty() { Vec::new() } else { repo.refresh_messages(&touched).await? };
    told.extend(updates::failures(&refreshed, clock));

    let rewritten = refreshed.iter().filter(|message| message.rewritten).filter_map(|message| message.conversation);
    let rewritten = rewritten.chain(filled).map(|conversation| ConversationNews {
        conversation,
        unread: 0,
        service_window_ends_at: None,
    });
    let news = by_conversation(messages::news(&stored).chain(rewritten));
    if !news.is_empty() {
        repo.refresh_conversations(&news).await?;
    }

    let activities: Vec<_> = of_others.zip(batch.activities).collect();
    activities::apply(repo, &activities).await?;
    told.extend(activities.iter().map(|(contact, activity)| activities::interaction(*contact, activity, clock)));
    if !told.is_empty() {
        repo.insert_interactions(&told, now).await?;
    }
    Ok(Recorded { messages: stored.len(), from_customers: messages::from_customers(&stored).collect() })
}

/// Everything that the people of the batch may be stored under.
fn identity_keys(batch: &Batch) -> Vec<IdentityKey> {
    let people = (batch.messages.iter().map(|message| &message.customer))
        .chain(batch.updates.iter().filter_map(|update| update.customer.as_ref()))
        .chain(batch.activities.iter().map(|activity| &activity.customer))
        .chain(&batch.sightings);
    let changed = batch.changes.iter().flat_map(IdentityChange::keys).cloned();
    let keys: BTreeSet<_> = people.flat_map(Person::keys_to_look_up).chain(changed).collect();
    keys.into_iter().collect()
}

/// Messages are locked, too: an update that comes while its message is being stored would otherwise not be seen by it, nor
/// see it.
fn locks(batch: &Batch, keys: &[IdentityKey]) -> Vec<Lock> {
    let messages = batch.messages.iter().map(super::IncomingMessage::key);
    let updated = batch.updates.iter().map(|update| update.message.clone());
    let messages: BTreeSet<_> = messages.chain(updated).map(|(account, wamid)| Lock::Message(account, wamid)).collect();
    keys.iter().cloned().map(Lock::Person).chain(messages).collect()
}

/// The news of each conversation, in the order of their ids: rows are then locked in one order by every worker.
fn by_conversation(news: impl Iterator<Item = ConversationNews>) -> Vec<ConversationNews> {
    let mut conversations: BTreeMap<_, ConversationNews> = BTreeMap::new();
    for news in news {
        conversations
            .entry(news.conversation)
            .and_modify(|all| {
                all.unread += news.unread;
                all.service_window_ends_at = all.service_window_ends_at.max(news.service_window_ends_at);
            })
            .or_insert(news);
    }
    conversations.into_values().collect()
}
