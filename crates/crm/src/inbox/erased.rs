use std::collections::HashMap;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::Batch;
use crate::identity::{IdentityKey, Person};

/// Leaves out what people said and did before their contact was deleted: an event that was waiting then, or is told again,
/// brings nothing back. WhatsApp's times are whole seconds; what is of the very second of the deletion is kept, as it may be
/// later.
pub(super) fn without_erased(mut batch: Batch, erased: &HashMap<IdentityKey, DateTime<Utc>>) -> Batch {
    if erased.is_empty() {
        return batch;
    }
    let person_is_gone = |person: &Person, at| is_gone(erased, person.keys_to_look_up(), at);
    batch.messages.retain(|message| !person_is_gone(&message.customer, message.provider_timestamp));
    batch
        .updates
        .retain(|update| update.customer.as_ref().is_none_or(|customer| !person_is_gone(customer, update.occurred_at)));
    batch.activities.retain(|activity| !person_is_gone(&activity.customer, activity.occurred_at));
    batch.sightings.retain(|person| !person_is_gone(person, person.seen_at));
    batch.changes.retain(|change| !is_gone(erased, change.keys().cloned(), change.changed_at));
    batch
}

fn is_gone(
    erased: &HashMap<IdentityKey, DateTime<Utc>>,
    mut keys: impl Iterator<Item = IdentityKey>,
    at: DateTime<Utc>,
) -> bool {
    keys.any(|key| erased.get(&key).is_some_and(|erased| at < whole_second(*erased)))
}

fn whole_second(time: DateTime<Utc>) -> DateTime<Utc> {
    time.duration_trunc(TimeDelta::seconds(1)).unwrap_or(time)
}
