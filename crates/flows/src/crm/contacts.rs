//! Irreversible changes of contacts. They are audited.

use audit::{Action, AuditRepo, Principal, Record, RequestOrigin, target};
use crm::{Contact, ContactTx, DeleteContactError, MergeContacts, MergeContactsError};
use kernel::ids::ContactId;
use kernel::{Clock, CrmWrite, Permit};

/// What merging and deleting contacts needs.
pub trait MergeContactsTx: ContactTx + AuditRepo {}

impl<T: ContactTx + AuditRepo + ?Sized> MergeContactsTx for T {}

/// Merges two contacts. Returns the merged one.
///
/// # Errors
/// [`MergeContactsError`].
pub async fn merge_contacts(
    permit: Permit<CrmWrite>,
    tx: &mut dyn MergeContactsTx,
    merge: MergeContacts,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<Contact, MergeContactsError> {
    let actor = Principal::User(permit.user());
    let merged = crm::merge_contacts(permit, tx, merge, clock).await?;
    let record = Record::new(actor, origin, Action::ContactMerged, clock).about(target::CONTACT, &merged.contact.id);
    tx.append_audit_record(&record.with("merged", merged.from.to_string())).await?;
    Ok(merged.contact)
}

/// Deletes a contact with all its conversations. The audit record holds counts, and nothing of the content.
///
/// # Errors
/// [`DeleteContactError`].
pub async fn delete_contact(
    permit: Permit<CrmWrite>,
    tx: &mut dyn MergeContactsTx,
    id: ContactId,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<(), DeleteContactError> {
    let actor = Principal::User(permit.user());
    let deleted = crm::delete_contact(permit, tx, id, clock).await?;
    let record = Record::new(actor, origin, Action::ContactDeleted, clock).about(target::CONTACT, &deleted.id);
    let record = record.with("conversations", deleted.conversations).with("messages", deleted.messages);
    tx.append_audit_record(&record).await?;
    Ok(())
}
