use std::collections::BTreeSet;

use kernel::ids::{AccountId, ContactId, InteractionId};
use kernel::{Clock, StoreError};

use super::IdentityRepo;
use crate::identity::{IdentityChange, IdentityKey, IdentityKind, Known, Person, Resolution, resolve};
use crate::{Interaction, InteractionKind};

/// What only one transaction at a time works on. The order is the one in which locks are taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lock {
    Person(IdentityKey),
    Message(AccountId, String),
}

/// Finds or makes the contact of each person, and applies changes of identity. Everyone is locked before they are read:
/// what is read stays true until the commit. Answers the contacts in the order of the people, and what there is to tell.
pub(super) async fn find_contacts(
    repo: &mut dyn IdentityRepo,
    people: &[Person],
    Told { changes, sightings }: Told<'_>,
    locked: &[IdentityKey],
    clock: &dyn Clock,
) -> Result<(Vec<ContactId>, Vec<Interaction>), StoreError> {
    let now = clock.now();
    if !changes.is_empty() {
        repo.store_changes(changes, now).await?;
    }
    let mut keys: BTreeSet<IdentityKey> = locked.iter().cloned().collect();
    let mut parked;
    let resolution = loop {
        let wanted: Vec<_> = keys.iter().cloned().collect();
        let mut known = repo.known(&wanted).await?;
        let mut more: BTreeSet<_> = known.changes.iter().flat_map(IdentityChange::keys).cloned().collect();
        more.extend(known.sightings.iter().flat_map(Person::keys_to_look_up));
        parked = known.sightings.clone();
        known.sightings.extend(sightings.iter().cloned());
        let resolution = resolve(known.clone(), people, clock);
        more.extend(keys_of_merged(&known, &resolution));
        more.retain(|key| !keys.contains(key));
        if more.is_empty() {
            break resolution;
        }
        // Rare: somebody whose identity changed, or two who are one. Their other keys are theirs, too.
        repo.lock(&more.iter().cloned().map(Lock::Person).collect::<Vec<_>>()).await?;
        keys.extend(more);
    };
    store(repo, &resolution, clock).await?;
    park(repo, &resolution.unknown, &parked, clock).await?;
    let told = resolution.settled.iter().map(|(contact, change)| told(*contact, change, clock)).collect();
    Ok((resolution.contacts, told))
}

/// What is told of people beside what they do themselves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    pub(super) changes: &'a [IdentityChange],
    pub(super) sightings: &'a [Person],
}

/// Keeps sightings of people who are unknown, and forgets those that have found somebody. Only which number belongs to
/// which user id is worth keeping: everything else comes again with the person.
async fn park(
    repo: &mut dyn IdentityRepo,
    unknown: &[Person],
    parked: &[Person],
    clock: &dyn Clock,
) -> Result<(), StoreError> {
    let is_pair = |person: &&Person| person.bsuid.is_some() && !person.phones.is_empty();
    let new: Vec<_> = unknown.iter().filter(|person| !parked.contains(person)).filter(is_pair).cloned().collect();
    let found: Vec<_> = parked.iter().filter(|person| !unknown.contains(person)).cloned().collect();
    if !new.is_empty() {
        repo.park_sightings(&new, clock.now()).await?;
    }
    if !found.is_empty() {
        repo.drop_sightings(&found).await?;
    }
    Ok(())
}

fn keys_of_merged(known: &Known, resolution: &Resolution) -> Vec<IdentityKey> {
    let merged =
        |contact: ContactId| resolution.merged.iter().any(|merge| merge.from == contact || merge.into == contact);
    let leads = |kind: IdentityKind| matches!(kind, IdentityKind::Bsuid | IdentityKind::Phone);
    let theirs = known.identities.iter().filter(|record| merged(record.contact) && leads(record.key.kind));
    theirs.map(|record| record.key.clone()).collect()
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
    if !resolution.contradicted.is_empty() {
        repo.flag_for_review(&resolution.contradicted, now).await?;
    }
    if !resolution.named.is_empty() {
        repo.name_nameless(&resolution.named, now).await?;
    }
    if !resolution.settled.is_empty() {
        let settled: Vec<_> = resolution.settled.iter().map(|(_, change)| change.clone()).collect();
        repo.settle_changes(&settled).await?;
    }
    Ok(())
}

fn told(contact: ContactId, change: &IdentityChange, clock: &dyn Clock) -> Interaction {
    Interaction {
        id: InteractionId::new(clock),
        contact,
        kind: InteractionKind::IdentityChanged,
        text: change.text.clone(),
        actor: None,
        message: None,
        source: Some(format!("identity:{}", change.fingerprint())),
        occurred_at: change.changed_at,
    }
}
