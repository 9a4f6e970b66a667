use kernel::ids::{ContactId, InteractionId};
use kernel::{Arrival, Clock, CrmWrite, Permit, StoreError};

use crate::{ContactTx, Interaction, InteractionKind, NoteText, Titled};

/// Adds a note to the history of a contact. Returns `None` if the contact does not exist.
///
/// # Errors
/// [`StoreError`].
pub async fn add_note(
    permit: Permit<CrmWrite>,
    repo: &mut dyn ContactTx,
    contact: ContactId,
    text: NoteText,
    clock: &dyn Clock,
) -> Result<Option<Titled<Interaction>>, StoreError> {
    let Some(contact) = repo.lock_contact(contact).await? else { return Ok(None) };
    let now = clock.now();
    let note = Interaction {
        id: InteractionId::new(clock),
        contact: contact.id,
        kind: InteractionKind::Note,
        text: text.into_inner(),
        actor: Some(permit.actor()),
        message: None,
        about: None,
        source: None,
        occurred_at: now,
        arrival: Arrival::ZERO,
    };
    repo.insert_interactions(std::slice::from_ref(&note), now).await?;
    Ok(Some(Titled { row: note, contact_title: contact.title() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeStore, run};

    #[test]
    fn note_is_added_to_the_history_with_its_author() {
        let mut store = FakeStore::new();
        let contact = store.contact_named("Grace", &[]);
        let (permit, clock, text) = (store.permit(), store.clock.clone(), NoteText::parse("called").unwrap());
        let note = run(add_note(permit, &mut store, contact.id, text, &*clock)).unwrap().unwrap().row;
        assert_eq!((note.contact, note.actor, note.kind), (contact.id, Some(store.user.into()), InteractionKind::Note));
        assert_eq!(store.history(), ["called"]);
    }

    #[test]
    fn note_on_a_missing_contact_stores_nothing() {
        let mut store = FakeStore::new();
        let (permit, clock, text) = (store.permit(), store.clock.clone(), NoteText::parse("called").unwrap());
        let missing = ContactId::new(&*clock);
        assert!(run(add_note(permit, &mut store, missing, text, &*clock)).unwrap().is_none());
        assert!(store.history().is_empty());
    }
}
