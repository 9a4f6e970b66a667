use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use kernel::{Clock, StoreError};

use super::{
    Batch, ConversationUpdate, InboxTx, Lock, MessageKey, MessageUpdate, RecordedBatch, RefreshedMessage, activities,
    erased, messages, people, updates,
};
use crate::identity::{IdentityChange, IdentityKey, Person};

/// How long an update waits for its message, and a sighting for its contact. Meta retries a delivery for seven days; a message
/// missing after twice that time was sent by another tool and will not arrive. Each batch that parks updates deletes some
/// that are older, which bounds the number of a tenant's parked updates.
pub const PARKED_RETENTION: TimeDelta = TimeDelta::days(14);

/// Records a batch: finds or creates contacts and conversations, stores messages and their updates, and adds interactions to
/// the contacts' histories. Idempotent: the same batch may be recorded any number of times, by several workers at once.
///
/// # Errors
/// [`StoreError`]; the caller must roll back.
pub async fn record_batch(
    repo: &mut dyn InboxTx,
    batch: Batch,
    clock: &dyn Clock,
) -> Result<RecordedBatch, StoreError> {
    if batch.is_empty() {
        return Ok(RecordedBatch::default());
    }
    let now = clock.now();
    repo.lock_recording_shared().await?;
    let keys = identity_keys(&batch);
    repo.lock(&locks(&batch, &keys)).await?;
    let accepted = if batch.proofs.is_empty() { Vec::new() } else { repo.settle_sent(&batch.proofs, now).await? };
    let (batch, erased) = erased::without_erased(repo, batch, &keys).await?;
    let batch = updates::without_anonymous(batch);
    let keys = identity_keys(&batch);

    let messages::MessagesToStore { new, told_again } = messages::combine(repo, batch.messages).await?;
    let mut affected: BTreeSet<MessageKey> = new.iter().chain(&told_again).map(super::IncomingMessage::key).collect();

    // All people in one list, so that a person who appears twice becomes one contact.
    let people: Vec<Person> = (new.iter().map(|message| &message.customer))
        .chain(told_again.iter().map(|telling| &telling.customer))
        .chain(batch.updates.iter().filter_map(|update| update.customer.as_ref()))
        .chain(batch.activities.iter().map(|activity| &activity.customer))
        .cloned()
        .collect();
    let reports = people::IdentityReports { changes: &batch.changes, sightings: &batch.sightings };
    let keys = if told_again.is_empty() { keys } else { with_keys_of(&people, keys) };
    let (contacts, mut interactions) = people::resolve_contacts(repo, &people, reports, &keys, clock).await?;
    let mut contacts = contacts.into_iter();
    let new: Vec<_> = new.into_iter().zip(contacts.by_ref()).collect();
    let mut remaining = contacts.skip(told_again.len());

    let stored = messages::store(repo, new, told_again, clock).await?;
    interactions.extend(messages::interactions(&stored.new, clock));

    let mut new_updates = Vec::new();
    for update in &batch.updates {
        let contact = update.customer.as_ref().and_then(|_| remaining.next());
        interactions.extend(contact.and_then(|contact| updates::interaction(update, contact, clock)));
        new_updates.push(updates::new_update(update, contact));
        affected.insert(update.message.clone());
    }
    if !new_updates.is_empty() {
        repo.insert_updates(&new_updates, now).await?;
        repo.delete_expired_parked(now - PARKED_RETENTION).await?;
    }
    let affected: Vec<_> = affected.into_iter().collect();
    let refreshed = if affected.is_empty() { Vec::new() } else { repo.refresh_messages(&affected).await? };
    interactions.extend(updates::failures(&refreshed, clock));

    let activities: Vec<_> = remaining.zip(batch.activities).collect();
    let missed_calls = activities::missed_calls(repo, &activities, clock).await?;
    let changed = refreshed.iter().filter_map(RefreshedMessage::conversation_update);
    let updates = by_conversation(stored.conversation_updates().chain(changed).chain(missed_calls));
    if !updates.is_empty() {
        repo.refresh_conversations(&updates).await?;
    }

    activities::apply(repo, &activities).await?;
    interactions.extend(activities.iter().map(|(contact, it)| activities::interaction(*contact, it, clock)));
    if !interactions.is_empty() {
        repo.insert_interactions(&interactions, now).await?;
    }
    // After the interactions of this batch: its messages may have been revoked by an update that arrived before them.
    let revoked: Vec<_> = refreshed.iter().filter(|message| message.is_revoked).map(|message| message.id).collect();
    if !revoked.is_empty() {
        repo.hide_revoked_texts(&revoked).await?;
    }
    Ok(RecordedBatch {
        messages: stored.new.len(),
        from_customers: stored.messages_of_customers().collect(),
        accepted,
        erased,
    })
}

/// All keys under which the people of the batch may be stored.
fn identity_keys(batch: &Batch) -> Vec<IdentityKey> {
    let people = (batch.messages.iter().map(|message| &message.customer))
        .chain(batch.updates.iter().filter_map(MessageUpdate::person))
        .chain(batch.activities.iter().map(|activity| &activity.customer))
        .chain(&batch.sightings);
    let changed = batch.changes.iter().flat_map(IdentityChange::keys).cloned();
    let keys: BTreeSet<_> = people.flat_map(Person::keys_to_look_up).chain(changed).collect();
    keys.into_iter().collect()
}

/// The keys, and those of people who were combined with stored ones.
fn with_keys_of(people: &[Person], keys: Vec<IdentityKey>) -> Vec<IdentityKey> {
    let keys: BTreeSet<_> = people.iter().flat_map(Person::keys_to_look_up).chain(keys).collect();
    keys.into_iter().collect()
}

/// Messages are locked, too: otherwise two concurrent transactions, one with a message and one with an update of it, would
/// not see each other's row.
fn locks(batch: &Batch, keys: &[IdentityKey]) -> Vec<Lock> {
    let messages = batch.messages.iter().map(super::IncomingMessage::key);
    let updated = batch.updates.iter().map(|update| update.message.clone());
    let messages: BTreeSet<_> = messages.chain(updated).map(|(account, wamid)| Lock::Message(account, wamid)).collect();
    keys.iter().cloned().map(Lock::Person).chain(messages).collect()
}

/// One update for each conversation, in the order of their ids, so that all workers lock rows in one order.
fn by_conversation(updates: impl Iterator<Item = ConversationUpdate>) -> Vec<ConversationUpdate> {
    let mut conversations: BTreeMap<_, ConversationUpdate> = BTreeMap::new();
    for update in updates {
        conversations
            .entry(update.conversation)
            .and_modify(|sum| {
                sum.unread += update.unread;
                sum.news += update.news;
                sum.missed_call = sum.missed_call.max(update.missed_call);
                sum.service_window_ends_at = sum.service_window_ends_at.max(update.service_window_ends_at);
            })
            .or_insert(update);
    }
    conversations.into_values().collect()
}

#[cfg(test)]
mod tests;
