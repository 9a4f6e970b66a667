use kernel::ids::{ContactId, InteractionId};
use kernel::{Clock, CrmWrite, Permit, StoreError};

use crate::{ContactTx, Interaction, InteractionKind, NoteText};

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
) -> Result<Option<Interaction>, StoreError> {
    let Some(contact) = repo.lock_contact(contact).await? else { return Ok(None) };
    let now = clock.now();
    let note = Interaction {
        id: InteractionId::new(clock),
        contact: contact.id,
        kind: InteractionKind::Note,
        text: text.into_inner(),
        actor: Some(permit.user()),
        message: None,
        source: None,
        occurred_at: now,
    };
    repo.insert_interactions(std::slice::from_ref(&note), now).await?;
    Ok(Some(note))
}
