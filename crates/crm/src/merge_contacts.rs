use kernel::ids::{ContactId, InteractionId};
use kernel::{Arrival, Clock, CrmWrite, Permit, StoreError};

use crate::identity::{IdentityKind, Merge};
use crate::inbox::Lock;
use crate::{Attributes, Contact, ContactTx, Interaction, InteractionKind};

/// A user's request to merge two contacts.
#[derive(Clone, Copy, Debug)]
pub struct MergeContacts {
    /// The contact that remains.
    pub into: ContactId,
    /// The contact whose data moves to `into`, and which is then deleted.
    pub from: ContactId,
    /// The version of `into` that the caller last read.
    pub version: Option<i64>,
    /// The version of `from` that the caller last read.
    pub from_version: Option<i64>,
}

/// The result of a merge.
#[derive(Clone, Debug)]
pub struct MergedContact {
    pub contact: Contact,
    /// The contact that was deleted. Differs from the id of the request if that contact had been merged into this one before.
    pub from: ContactId,
}

#[derive(Debug, thiserror::Error)]
pub enum MergeContactsError {
    /// The contact `into` does not exist.
    #[error("the contact does not exist")]
    NotFound,
    /// The contact `from` does not exist.
    #[error("the contact to merge does not exist")]
    SourceNotFound,
    /// Both ids are equal, or the contacts have been merged already.
    #[error("both ids refer to one contact")]
    SameContact,
    /// One of the contacts has changed since the version of the request.
    #[error("a contact has changed since it was read")]
    VersionConflict,
    /// Together the attributes exceed the limit.
    #[error("the attributes of both contacts exceed the limit of one")]
    TooManyAttributes,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Merges two contacts: identities, conversations, messages, interactions and all other data of `from` move to `into`. The id
/// of `from` refers to `into` from then on.
///
/// # Errors
/// [`MergeContactsError`].
pub async fn merge_contacts(
    permit: Permit<CrmWrite>,
    repo: &mut dyn ContactTx,
    merge: MergeContacts,
    clock: &dyn Clock,
) -> Result<MergedContact, MergeContactsError> {
    let now = clock.now();
    // Recording waits for this transaction: it locks a message before its contact, a merge does so in the opposite order.
    repo.lock_recording_exclusive().await?;
    // Creating a contact with one of the numbers waits, too.
    let both = [repo.contact(merge.into).await?, repo.contact(merge.from).await?];
    let keys = both.iter().flatten().flat_map(|contact| &contact.identities).map(|identity| &identity.key);
    let resolving = keys.filter(|key| matches!(key.kind, IdentityKind::Bsuid | IdentityKind::Phone));
    let mut locks: Vec<_> = resolving.cloned().map(Lock::Person).collect();
    locks.sort();
    locks.dedup();
    repo.lock(&locks).await?;

    // In one order, so that two merges of the same contacts do not deadlock.
    let mut locked = [None, None];
    let mut ids = [merge.into, merge.from];
    ids.sort();
    for (contact, id) in locked.iter_mut().zip(ids) {
        *contact = repo.lock_contact(id).await?;
    }
    let find = |id: ContactId| ids.iter().position(|other| *other == id).and_then(|at| locked[at].clone());
    let into = find(merge.into).ok_or(MergeContactsError::NotFound)?;
    let from = find(merge.from).ok_or(MergeContactsError::SourceNotFound)?;
    if into.id == from.id {
        return Err(MergeContactsError::SameContact);
    }
    let has_changed = |seen: Option<i64>, contact: &Contact| seen.is_some_and(|version| version != contact.version);
    if has_changed(merge.version, &into) || has_changed(merge.from_version, &from) {
        return Err(MergeContactsError::VersionConflict);
    }
    if Attributes::merged(&into.attributes, &from.attributes).is_err() {
        return Err(MergeContactsError::TooManyAttributes);
    }
    repo.merge_contacts(&[Merge { from: from.id, into: into.id }], now).await?;
    repo.mark_reviewed(into.id, now).await?;
    let text = match from.display_name.as_str() {
        "" => "Merged with another contact".to_owned(),
        name => format!("Merged with {name}"),
    };
    let interaction = Interaction {
        id: InteractionId::new(clock),
        contact: into.id,
        kind: InteractionKind::ContactMerged,
        text,
        actor: Some(permit.actor()),
        message: None,
        about: None,
        source: None,
        occurred_at: now,
        arrival: Arrival::ZERO,
    };
    repo.insert_interactions(&[interaction], now).await?;
    let contact = repo.contact(into.id).await?.ok_or(MergeContactsError::NotFound)?;
    Ok(MergedContact { contact, from: from.id })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeStore, run};

    fn merge(
        store: &mut FakeStore,
        into: ContactId,
        from: ContactId,
        versions: [Option<i64>; 2],
    ) -> Result<MergedContact, MergeContactsError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        let [version, from_version] = versions;
        run(merge_contacts(permit, store, MergeContacts { into, from, version, from_version }, &*clock))
    }

    #[test]
    fn merged_contact_has_the_identities_of_both() {
        let mut store = FakeStore::new();
        let into = store.contact_named("Grace", &["15550100"]).id;
        let from = store.contact_named("Amazing Grace", &["15550199"]).id;
        let merged = merge(&mut store, into, from, [Some(1), Some(1)]).unwrap();
        assert_eq!((merged.contact.id, merged.from), (into, from));
        assert_eq!((merged.contact.identities.len(), merged.contact.version), (2, 2));
        assert_eq!(store.history(), ["Merged with Amazing Grace"]);
    }

    #[test]
    fn id_of_a_merged_contact_refers_to_the_remaining_one() {
        let mut store = FakeStore::new();
        let [a, b, c] = ["A", "B", "C"].map(|name| store.contact_named(name, &[]).id);
        merge(&mut store, b, a, [None, None]).unwrap();
        let merged = merge(&mut store, c, a, [None, None]).unwrap();
        assert_eq!((merged.contact.id, merged.from), (c, b));
        assert_eq!(store.resolve_id(a), c);
    }

    #[test]
    fn contact_is_not_merged_with_itself() {
        let mut store = FakeStore::new();
        let [a, b] = ["A", "B"].map(|name| store.contact_named(name, &[]).id);
        assert!(matches!(merge(&mut store, a, a, [None, None]), Err(MergeContactsError::SameContact)));
        merge(&mut store, a, b, [None, None]).unwrap();
        assert!(matches!(merge(&mut store, a, b, [None, None]), Err(MergeContactsError::SameContact)));
    }

    #[test]
    fn old_version_of_either_contact_is_rejected() {
        let mut store = FakeStore::new();
        let [a, b] = ["A", "B"].map(|name| store.contact_named(name, &[]).id);
        for versions in [[Some(7), None], [None, Some(7)]] {
            assert!(matches!(merge(&mut store, a, b, versions), Err(MergeContactsError::VersionConflict)));
        }
        assert_eq!(store.contacts.len(), 2);
    }

    #[test]
    fn merge_with_too_many_attributes_is_refused() {
        let mut store = FakeStore::new();
        let [a, b] = ["A", "B"].map(|name| store.contact_named(name, &[]).id);
        for (contact, name) in [(a, "a"), (b, "b")] {
            let attributes = &mut store.contacts.get_mut(&contact).unwrap().attributes;
            attributes.insert(name.to_owned(), "x".repeat(10_000).into());
        }
        assert!(matches!(merge(&mut store, a, b, [None, None]), Err(MergeContactsError::TooManyAttributes)));
        assert_eq!((store.contacts.len(), store.history().len()), (2, 0));
    }

    #[test]
    fn missing_contacts_are_told_apart() {
        let mut store = FakeStore::new();
        let present = store.contact_named("A", &[]).id;
        let missing = ContactId::new(&*store.clock);
        let outcome = merge(&mut store, missing, present, [None, None]);
        assert!(matches!(outcome, Err(MergeContactsError::NotFound)));
        let outcome = merge(&mut store, present, missing, [None, None]);
        assert!(matches!(outcome, Err(MergeContactsError::SourceNotFound)));
    }
}
