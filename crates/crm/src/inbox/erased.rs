use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use kernel::StoreError;

use super::{Batch, IdentityRepo, MessageUpdate, UpdateEffect};
use crate::identity::{IdentityKey, Person};

type Erased = HashMap<IdentityKey, DateTime<Utc>>;

/// Removes from a batch what would restore something of deleted contacts: what is older than the deletion, and later statuses,
/// sightings and changes of people who have no contact since. Returns the identities of deleted contacts that it named.
pub(super) async fn without_erased(
    repo: &mut dyn IdentityRepo,
    batch: Batch,
    keys: &[IdentityKey],
) -> Result<(Batch, Vec<IdentityKey>), StoreError> {
    let erased = repo.erased(keys).await?;
    if erased.is_empty() {
        return Ok((batch, Vec::new()));
    }
    let (batch, mut named) = without_older(batch, &erased);
    let erased_keys: Vec<IdentityKey> = erased.keys().cloned().collect();
    let stored = repo.stored_identities(&erased_keys).await?;
    let mut present: BTreeSet<IdentityKey> =
        stored.identities.into_iter().filter(|record| record.resolves).map(|record| record.key).collect();
    present.extend(people_with_contacts(&batch).flat_map(Person::keys_to_look_up));
    let gone: BTreeSet<IdentityKey> = erased_keys.into_iter().filter(|key| !present.contains(key)).collect();
    named.extend(gone.iter().cloned());
    Ok((without_gone(batch, &gone), named.into_iter().collect()))
}

/// Removes what is older than the deletion of its contact, so that events delivered or replayed after the deletion restore
/// nothing. WhatsApp's times are whole seconds: an event of the second of the deletion is kept, as it may have happened later.
fn without_older(mut batch: Batch, erased: &Erased) -> (Batch, BTreeSet<IdentityKey>) {
    let mut named = BTreeSet::new();
    let mut is_older = |keys: &mut dyn Iterator<Item = IdentityKey>, at: DateTime<Utc>| {
        let keys: Vec<IdentityKey> = keys.filter(|key| erased.contains_key(key)).collect();
        let is_older = keys.iter().any(|key| erased.get(key).is_some_and(|erased| at < whole_second(*erased)));
        if is_older {
            named.extend(keys);
        }
        is_older
    };
    batch.messages.retain(|it| !is_older(&mut it.customer.keys_to_look_up(), it.provider_timestamp));
    batch
        .updates
        .retain(|it| it.person().is_none_or(|person| !is_older(&mut person.keys_to_look_up(), it.occurred_at)));
    batch.activities.retain(|it| !is_older(&mut it.customer.keys_to_look_up(), it.occurred_at));
    batch.sightings.retain(|it| !is_older(&mut it.keys_to_look_up(), it.seen_at));
    batch.changes.retain(|it| !is_older(&mut it.keys().cloned(), it.changed_at));
    (batch, named)
}

/// Of people who were erased and have no contact since, removes sightings and changes, and of statuses all but the fact: the
/// message that it belongs to may be on its way and create a new contact.
fn without_gone(mut batch: Batch, gone: &BTreeSet<IdentityKey>) -> Batch {
    if gone.is_empty() {
        return batch;
    }
    let is_gone = |person: &Person| person.keys_to_look_up().any(|key| gone.contains(&key));
    batch.sightings.retain(|person| !is_gone(person));
    batch.changes.retain(|change| !change.keys().any(|key| gone.contains(key)));
    let (named, mut updates): (Vec<_>, Vec<_>) =
        batch.updates.into_iter().partition(|update| update.recipient.as_ref().is_some_and(is_gone));
    updates.extend(named.into_iter().filter(names_nobody_by_its_key).map(|update| MessageUpdate {
        recipient: None,
        payload: None,
        ..update
    }));
    batch.updates = updates;
    batch
}

/// A status in a group is stored under the id of its participant.
fn names_nobody_by_its_key(update: &MessageUpdate) -> bool {
    !matches!(&update.effect, UpdateEffect::Status { participant, .. } if !participant.is_empty())
}

/// The people of whom the batch makes contacts.
fn people_with_contacts(batch: &Batch) -> impl Iterator<Item = &Person> {
    (batch.messages.iter().map(|message| &message.customer))
        .chain(batch.updates.iter().filter_map(|update| update.customer.as_ref()))
        .chain(batch.activities.iter().map(|activity| &activity.customer))
}

fn whole_second(time: DateTime<Utc>) -> DateTime<Utc> {
    time.duration_trunc(TimeDelta::seconds(1)).unwrap_or(time)
}
