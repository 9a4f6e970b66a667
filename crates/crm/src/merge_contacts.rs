use kernel::ids::{ContactId, InteractionId};
use kernel::{Clock, CrmWrite, Permit, StoreError};

use crate::identity::{IdentityKind, Merge};
use crate::inbox::Lock;
use crate::{Contact, ContactTx, Interaction, InteractionKind};

/// Two contacts that are one person.
#[derive(Clone, Copy, Debug)]
pub struct MergeContacts {
    /// The one that stays.
    pub into: ContactId,
    /// The one whose everything goes there.
    pub from: ContactId,
    /// As the caller last saw the one that stays.
    pub version: Option<i64>,
    /// As the caller last saw the one that goes.
    pub from_version: Option<i64>,
}

/// What two contacts have become.
#[derive(Clone, Debug)]
pub struct Merged {
    pub contact: Contact,
    /// The one that went; not that of the request, if that one had been merged into it.
    pub from: ContactId,
}

#[derive(Debug, thiserror::Error)]
pub enum MergeContactsError {
    /// The contact that is to stay is not there.
    #[error("there is no such contact")]
    NotFound,
    /// The contact that is to go is not there.
    #[error("there is no such contact to merge")]
    UnknownContact,
    /// They are one already, or were never two.
    #[error("the two are one contact")]
    SameContact,
    /// Somebody has changed one of them since.
    #[error("a contact was changed meanwhile")]
    Stale,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes one contact of two, by the word of a user: identities, conversations, messages, interactions and what else there
/// is go to the one that stays, and the id of the other leads there from now on.
///
/// # Errors
/// [`MergeContactsError`].
pub async fn merge_contacts(
    permit: Permit<CrmWrite>,
    repo: &mut dyn ContactTx,
    merge: MergeContacts,
    clock: &dyn Clock,
) -> Result<Merged, MergeContactsError> {
    let now = clock.now();
    // Whoever records anything waits, as a status takes its message before its contact, and we take them the other way round.
    repo.stop_recording().await?;
    // Whoever makes a contact of one of their numbers waits, too.
    let both = [repo.contact(merge.into).await?, repo.contact(merge.from).await?];
    let keys = both.iter().flatten().flat_map(|contact| &contact.identities).map(|identity| &identity.key);
    let leading = keys.filter(|key| matches!(key.kind, IdentityKind::Bsuid | IdentityKind::Phone));
    let mut locks: Vec<_> = leading.cloned().map(Lock::Person).collect();
    locks.sort();
    locks.dedup();
    repo.lock(&locks).await?;

    // In one order, so that two merges of the same contacts wait for each other.
    let mut locked = [None, None];
    let mut ids = [merge.into, merge.from];
    ids.sort();
    for (contact, id) in locked.iter_mut().zip(ids) {
        *contact = repo.lock_contact(id).await?;
    }
    let find = |id: ContactId| ids.iter().position(|other| *other == id).and_then(|at| locked[at].clone());
    let into = find(merge.into).ok_or(MergeContactsError::NotFound)?;
    let from = find(merge.from).ok_or(MergeContactsError::UnknownContact)?;
    if into.id == from.id {
        return Err(MergeContactsError::SameContact);
    }
    let is_stale = |seen: Option<i64>, contact: &Contact| seen.is_some_and(|version| version != contact.version);
    if is_stale(merge.version, &into) || is_stale(merge.from_version, &from) {
        return Err(MergeContactsError::Stale);
    }
    repo.merge_contacts(&[Merge { from: from.id, into: into.id }], now).await?;
    repo.note_review(into.id, now).await?;
    let text = match from.display_name.as_str() {
        "" => "Merged with another contact".to_owned(),
        name => format!("Merged with {name}"),
    };
    let interaction = Interaction {
        id: InteractionId::new(clock),
        contact: into.id,
        kind: InteractionKind::ContactMerged,
        text,
        actor: Some(permit.user()),
        message: None,
        source: None,
        occurred_at: now,
    };
    repo.insert_interactions(&[interaction], now).await?;
    let contact = repo.contact(into.id).await?.ok_or(MergeContactsError::NotFound)?;
    Ok(Merged { contact, from: from.id })
}
