use std::collections::HashMap;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::Batch;
use crate::identity::{IdentityKey, Person};

/// Removes from a batch what is older than the deletion of its contact, so that events delivered or replayed after the
/// deletion restore nothing. WhatsApp's times are whole seconds: an event of the second of the deletion is kept, as it may
/// have happened later.
pub(super) fn without_erased(mut batch: Batch, erased: &HashMap<IdentityKey, DateTime<Utc>>) -> Batch {
    if erased.is_empty() {
        return batch;
    }
    let is_erased_person = |person: &Person, at| is_erased(erased, person.keys_to_look_up(), at);
    batch.messages.retain(|message| !is_erased_person(&message.customer, message.provider_timestamp));
    batch.updates.retain(|update| update.customer.as_ref().is_none_or(|it| !is_erased_person(it, update.occurred_at)));
    batch.activities.retain(|activity| !is_erased_person(&activity.customer, activity.occurred_at));
    batch.sightings.retain(|person| !is_erased_person(person, person.seen_at));
    batch.changes.retain(|change| !is_erased(erased, change.keys().cloned(), change.changed_at));
    batch
}

fn is_erased(
    erased: &HashMap<IdentityKey, DateTime<Utc>>,
    mut keys: impl Iterator<Item = IdentityKey>,
    at: DateTime<Utc>,
) -> bool {
    keys.any(|key| erased.get(&key).is_some_and(|erased| at < whole_second(*erased)))
}

fn whole_second(time: DateTime<Utc>) -> DateTime<Utc> {
    time.duration_trunc(TimeDelta::seconds(1)).unwrap_or(time)
}
