//! Irreversible changes of contacts. They are audited.

use audit::{Action, AuditRepo, Record, RequestOrigin, target};
use crm::inbox::IdentityRepo;
use crm::{
    Contact, ContactJobRepo, ContactTx, DeleteContactError, MergeContacts, MergeContactsError, OldContentRepo, PastRepo,
};
use kernel::ids::ContactId;
use kernel::{Clock, CrmWrite, Permit};

/// What merging and deleting contacts needs.
pub trait MergeContactsTx: ContactTx + AuditRepo {}

impl<T: ContactTx + AuditRepo + ?Sized> MergeContactsTx for T {}

/// What a step of a contact job needs.
pub trait ContactJobTx: ContactJobRepo + IdentityRepo {}

impl<T: ContactJobRepo + IdentityRepo + ?Sized> ContactJobTx for T {}

/// What a step of renewing old content needs.
pub trait OldContentTx: OldContentRepo + PastRepo + IdentityRepo {}

impl<T: OldContentRepo + PastRepo + IdentityRepo + ?Sized> OldContentTx for T {}

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
    let actor = permit.actor().into();
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
    let actor = permit.actor().into();
    let deleted = crm::delete_contact(permit, tx, id, clock).await?;
    let record = Record::new(actor, origin, Action::ContactDeleted, clock).about(target::CONTACT, &deleted.id);
    let record = record.with("conversations", deleted.conversations).with("messages", deleted.messages);
    tx.append_audit_record(&record).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use audit::Principal;

    use super::*;
    use crate::fake::{FakeStore, changes, origin, run};

    fn merge(store: &mut FakeStore, merge: MergeContacts) -> Result<Contact, MergeContactsError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(merge_contacts(permit, store, merge, origin(), &*clock))
    }

    fn delete(store: &mut FakeStore, id: ContactId) -> Result<(), DeleteContactError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(delete_contact(permit, store, id, origin(), &*clock))
    }

    fn of(into: ContactId, from: ContactId) -> MergeContacts {
        MergeContacts { into, from, version: None, from_version: None }
    }

    #[test]
    fn merge_is_audited_with_both_contacts() {
        let mut store = FakeStore::new();
        let (into, from) = (store.add_contact(), store.add_contact());
        assert_eq!(merge(&mut store, of(into, from)).unwrap().id, into);
        let [record] = &store.audit_log[..] else { panic!("{:?}", store.audited()) };
        assert_eq!((record.action, record.actor), (Action::ContactMerged, Principal::User(store.caller)));
        assert_eq!(record.target.as_ref().unwrap().id, into.to_string());
        assert_eq!(changes(record), [format!(r#"merged="{from}""#)]);
    }

    #[test]
    fn merge_by_an_old_id_is_audited_with_the_present_contacts() {
        let mut store = FakeStore::new();
        let [a, b, c, d] = [0; 4].map(|_| store.add_contact());
        merge(&mut store, of(a, b)).unwrap();
        merge(&mut store, of(c, d)).unwrap();
        merge(&mut store, of(b, d)).unwrap();
        let record = &store.audit_log[2];
        assert_eq!(record.target.as_ref().unwrap().id, a.to_string());
        assert_eq!(changes(record), [format!(r#"merged="{c}""#)]);
    }

    #[test]
    fn refused_merge_is_not_audited() {
        let mut store = FakeStore::new();
        let (into, from) = (store.add_contact(), store.add_contact());
        let missing = ContactId::new(&*store.clock);
        assert!(matches!(merge(&mut store, of(missing, from)), Err(MergeContactsError::NotFound)));
        assert!(matches!(merge(&mut store, of(into, missing)), Err(MergeContactsError::SourceNotFound)));
        assert!(matches!(merge(&mut store, of(into, into)), Err(MergeContactsError::SameContact)));
        let stale = MergeContacts { from_version: Some(2), ..of(into, from) };
        assert!(matches!(merge(&mut store, stale), Err(MergeContactsError::VersionConflict)));
        assert_eq!((store.audit_log.len(), store.contacts.by_id.len()), (0, 2));
    }

    #[test]
    fn deletion_is_audited_with_counts_only() {
        let mut store = FakeStore::new();
        let id = store.add_contact();
        delete(&mut store, id).unwrap();
        assert!(store.contacts.by_id.is_empty());
        let [record] = &store.audit_log[..] else { panic!("{:?}", store.audited()) };
        assert_eq!((record.action, record.actor), (Action::ContactDeleted, Principal::User(store.caller)));
        assert_eq!(record.target.as_ref().unwrap().id, id.to_string());
        assert_eq!(changes(record), ["conversations=2", "messages=7"]);
    }

    #[test]
    fn deletion_by_an_old_id_is_audited_with_the_present_contact() {
        let mut store = FakeStore::new();
        let (into, from) = (store.add_contact(), store.add_contact());
        merge(&mut store, of(into, from)).unwrap();
        delete(&mut store, from).unwrap();
        assert_eq!(store.audit_log[1].target.as_ref().unwrap().id, into.to_string());
    }

    #[test]
    fn second_deletion_of_a_contact_is_not_audited() {
        let mut store = FakeStore::new();
        let id = store.add_contact();
        delete(&mut store, id).unwrap();
        assert!(matches!(delete(&mut store, id), Err(DeleteContactError::NotFound)));
        assert_eq!(store.audited(), [Action::ContactDeleted]);
    }
}
