use std::collections::BTreeSet;

use kernel::ids::{ContactId, InteractionId};
use kernel::{Clock, StoreError};

use super::{IdentityRepo, Lock};
use crate::identity::{IdentityChange, IdentityKey, IdentityKind, Person, Resolution, StoredIdentities, resolve};
use crate::{Interaction, InteractionKind};

/// Finds or creates the contact of each person, and applies changes of identities. Each key is locked before it is read, so
/// that what was read holds until the commit. Returns the contacts in the order of the people, and the interactions of
/// the changes.
pub(super) async fn resolve_contacts(
    repo: &mut dyn IdentityRepo,
    people: &[Person],
    IdentityReports { changes, sightings }: IdentityReports<'_>,
    locked: &[IdentityKey],
    clock: &dyn Clock,
) -> Result<(Vec<ContactId>, Vec<Interaction>), StoreError> {
    let now = clock.now();
    if !changes.is_empty() {
        repo.store_changes(changes, now).await?;
    }
    let mut keys: BTreeSet<IdentityKey> = locked.iter().cloned().collect();
    let mut stored_sightings;
    let resolution = loop {
        let wanted: Vec<_> = keys.iter().cloned().collect();
        let mut stored = repo.stored_identities(&wanted).await?;
        let mut more: BTreeSet<_> = stored.changes.iter().flat_map(IdentityChange::keys).cloned().collect();
        more.extend(stored.sightings.iter().flat_map(Person::keys_to_look_up));
        stored_sightings = stored.sightings.clone();
        stored.sightings.extend(sightings.iter().cloned());
        let resolution = resolve(stored.clone(), people, clock);
        more.extend(keys_of_merged(&stored, &resolution));
        more.retain(|key| !keys.contains(key));
        if more.is_empty() {
            break resolution;
        }
        // Rare: a changed identity or a merge affects further keys of the same people. Lock these, and read again.
        repo.lock(&more.iter().cloned().map(Lock::Person).collect::<Vec<_>>()).await?;
        keys.extend(more);
    };
    store(repo, &resolution, clock).await?;
    update_sightings(repo, &resolution.unmatched_sightings, &stored_sightings, clock).await?;
    let interactions = resolution.applied_changes.iter().map(|(contact, change)| interaction(*contact, change, clock));
    Ok((resolution.contacts, interactions.collect()))
}

/// What a batch reports about the identities of people, other than by their messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct IdentityReports<'a> {
    pub(super) changes: &'a [IdentityChange],
    pub(super) sightings: &'a [Person],
}

/// Stores new unmatched sightings, and deletes stored ones that have been matched. Only a pair of BSUID and number is stored:
/// the rest arrives again with the person.
async fn update_sightings(
    repo: &mut dyn IdentityRepo,
    unmatched: &[Person],
    stored: &[Person],
    clock: &dyn Clock,
) -> Result<(), StoreError> {
    let is_pair = |person: &&Person| person.bsuid.is_some() && !person.phones.is_empty();
    let new: Vec<_> = unmatched.iter().filter(|person| !stored.contains(person)).filter(is_pair).cloned().collect();
    let matched: Vec<_> = stored.iter().filter(|person| !unmatched.contains(person)).cloned().collect();
    if !new.is_empty() {
        repo.store_sightings(&new, clock.now()).await?;
    }
    if !matched.is_empty() {
        repo.delete_sightings(&matched).await?;
    }
    Ok(())
}

/// The keys that identify the contacts that are merged.
fn keys_of_merged(stored: &StoredIdentities, resolution: &Resolution) -> Vec<IdentityKey> {
    let is_merged =
        |contact: ContactId| resolution.merged.iter().any(|merge| merge.from == contact || merge.into == contact);
    let resolves = |kind: IdentityKind| matches!(kind, IdentityKind::Bsuid | IdentityKind::Phone);
    let records = stored.identities.iter().filter(|record| is_merged(record.contact) && resolves(record.key.kind));
    records.map(|record| record.key.clone()).collect()
}

async fn store(repo: &mut dyn IdentityRepo, resolution: &Resolution, clock: &dyn Clock) -> Result<(), StoreError> {
    let now = clock.now();
    if !resolution.new.is_empty() {
        repo.insert_contacts(&resolution.new, now).await?;
    }
    if !resolution.merged.is_empty() {
        repo.merge_contacts(&resolution.merged, now).await?;
    }
    if !resolution.records.is_empty() {
        repo.store_identities(&resolution.records, now).await?;
    }
    if !resolution.explained.is_empty() {
        repo.clear_review(&resolution.explained, now).await?;
    }
    if !resolution.flagged_for_review.is_empty() {
        repo.flag_for_review(&resolution.flagged_for_review, now).await?;
    }
    if !resolution.profile_names.is_empty() {
        repo.name_unnamed_contacts(&resolution.profile_names, now).await?;
    }
    if !resolution.applied_changes.is_empty() {
        let applied: Vec<_> = resolution.applied_changes.iter().map(|(_, change)| change.clone()).collect();
        repo.mark_changes_applied(&applied).await?;
    }
    Ok(())
}

fn interaction(contact: ContactId, change: &IdentityChange, clock: &dyn Clock) -> Interaction {
    Interaction {
        id: InteractionId::new(clock),
        contact,
        kind: InteractionKind::IdentityChanged,
        text: change.text.clone(),
        actor: None,
        message: None,
        about: None,
        source: Some(format!("identity:{}", change.fingerprint())),
        occurred_at: change.changed_at,
        arrival: change.arrival,
    }
}
