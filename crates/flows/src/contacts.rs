//! What people do to contacts that cannot be undone: it is in the audit log.

use audit::{Action, Actor, AuditRepo, Origin, Record, target};
use crm::{Contact, ContactTx, DeleteContactError, MergeContacts, MergeContactsError};
use kernel::ids::ContactId;
use kernel::{Clock, CrmWrite, Permit};

/// What somebody needs who merges or deletes contacts.
pub trait ContactDeskTx: ContactTx + AuditRepo {}

impl<T: ContactTx + AuditRepo + ?Sized> ContactDeskTx for T {}

/// Makes one contact of two; answers what both are now.
///
/// # Errors
/// [`MergeContactsError`].
pub async fn merge_contacts(
    permit: Permit<CrmWrite>,
    tx: &mut dyn ContactDeskTx,
    merge: MergeContacts,
    origin: Origin,
    clock: &dyn Clock,
) -> Result<Contact, MergeContactsError> {
    let actor = Actor::User(permit.user());
    let merged = crm::merge_contacts(permit, tx, merge, clock).await?;
    let record = Record::new(actor, origin, Action::ContactMerged, clock).about(target::CONTACT, &merged.contact.id);
    tx.append_audit_record(&record.with("merged", merged.from.to_string())).await?;
    Ok(merged.contact)
}

/// Deletes a contact with all that was said with them. The record says how much went, and nothing of what it was.
///
/// # Errors
/// [`DeleteContactError`].
pub async fn delete_contact(
    permit: Permit<CrmWrite>,
    tx: &mut dyn ContactDeskTx,
    id: ContactId,
    origin: Origin,
    clock: &dyn Clock,
) -> Result<(), DeleteContactError> {
    let actor = Actor::User(permit.user());
    let deleted = crm::delete_contact(permit, tx, id, clock).await?;
    let record = Record::new(actor, origin, Action::ContactDeleted, clock).about(target::CONTACT, &deleted.id);
    let record = record.with("conversations", deleted.conversations).with("messages", deleted.messages);
    tx.append_audit_record(&record).await?;
    Ok(())
}
