use kernel::ids::ContactId;
use kernel::{Change, Clock, CrmWrite, Permit, StoreError};
use serde_json::{Map, Value};

use crate::attributes::merge_patch;
use crate::contact::consent_interaction;
use crate::{
    Attributes, Contact, ContactName, ContactTx, FieldsSetByUser, InvalidAttributes, Language, MarketingConsent,
};

/// A user's changes to a contact.
#[derive(Clone, Debug)]
pub struct ContactPatch {
    /// The version that the user last read.
    pub version: i64,
    /// If cleared, the customer's next message sets the name of their profile.
    pub display_name: Change<ContactName>,
    /// A JSON Merge Patch (RFC 7396) of the stored attributes.
    pub attributes: Change<Map<String, Value>>,
    pub language: Change<Language>,
    pub marketing_consent: Option<MarketingConsent>,
    pub needs_review: Option<bool>,
}

#[derive(Debug, thiserror::Error)]
pub enum ChangeContactError {
    #[error("the contact does not exist")]
    NotFound,
    /// The contact has changed since the version of the patch.
    #[error("the contact has changed since it was read")]
    VersionConflict,
    /// The patched attributes exceed a limit.
    #[error(transparent)]
    Attributes(#[from] InvalidAttributes),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes a contact. The version increases if a value changes, and for any patch with a name: the same name, set by a user, is no
/// longer replaced by the profile's.
///
/// # Errors
/// [`ChangeContactError`].
pub async fn change_contact(
    permit: Permit<CrmWrite>,
    repo: &mut dyn ContactTx,
    id: ContactId,
    patch: ContactPatch,
    clock: &dyn Clock,
) -> Result<Contact, ChangeContactError> {
    let before = repo.lock_contact(id).await?.ok_or(ChangeContactError::NotFound)?;
    if before.version != patch.version {
        return Err(ChangeContactError::VersionConflict);
    }
    let (contact, set_by_user) = patch.apply(before.clone())?;
    if contact == before && !set_by_user.display_name {
        return Ok(before);
    }
    let contact = Contact { version: before.version + 1, ..contact };
    let now = clock.now();
    repo.update_contact(&contact, set_by_user, now).await?;
    if set_by_user.marketing_consent {
        let interaction = consent_interaction(contact.id, contact.marketing_consent, permit.actor(), clock);
        repo.insert_interactions(&[interaction], now).await?;
    }
    Ok(contact)
}

impl ContactPatch {
    fn apply(self, mut contact: Contact) -> Result<(Contact, FieldsSetByUser), InvalidAttributes> {
        // All fields by name: a new one cannot be forgotten.
        let Self { version: _, display_name, attributes, language, marketing_consent, needs_review } = self;
        let consent = marketing_consent.unwrap_or(contact.marketing_consent);
        let set_by_user = FieldsSetByUser {
            display_name: !display_name.is_keep(),
            marketing_consent: consent != contact.marketing_consent,
        };
        match display_name {
            Change::Keep => {}
            Change::Clear => contact.display_name.clear(),
            Change::Set(name) => contact.display_name = name.into_inner(),
        }
        match attributes {
            Change::Keep => {}
            Change::Clear => contact.attributes.clear(),
            Change::Set(patch) => {
                merge_patch(&mut contact.attributes, patch);
                contact.attributes = Attributes::new(contact.attributes)?.into_inner();
            }
        }
        match language {
            Change::Keep => {}
            Change::Clear => contact.language = None,
            Change::Set(language) => contact.language = Some(language.into_inner()),
        }
        contact.marketing_consent = consent;
        contact.needs_review = needs_review.unwrap_or(contact.needs_review);
        Ok((contact, set_by_user))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fake::{FakeStore, run};

    fn patch(version: i64) -> ContactPatch {
        ContactPatch {
            version,
            display_name: Change::Keep,
            attributes: Change::Keep,
            language: Change::Keep,
            marketing_consent: None,
            needs_review: None,
        }
    }

    fn change(store: &mut FakeStore, id: ContactId, patch: ContactPatch) -> Result<Contact, ChangeContactError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(change_contact(permit, store, id, patch, &*clock))
    }

    fn attributes(value: &Value) -> Change<Map<String, Value>> {
        value.as_object().cloned().map_or(Change::Clear, Change::Set)
    }

    #[test]
    fn patch_of_an_old_version_is_rejected() {
        let mut store = FakeStore::new();
        let id = store.contact_named("Grace", &[]).id;
        change(&mut store, id, ContactPatch { needs_review: Some(true), ..patch(1) }).unwrap();
        let outcome = change(&mut store, id, ContactPatch { needs_review: Some(false), ..patch(1) });
        assert!(matches!(outcome, Err(ChangeContactError::VersionConflict)));
    }

    #[test]
    fn patch_that_changes_nothing_keeps_the_version() {
        let mut store = FakeStore::new();
        let id = store.contact_named("Grace", &[]).id;
        let same = ContactPatch { marketing_consent: Some(MarketingConsent::Unknown), ..patch(1) };
        assert_eq!(change(&mut store, id, same).unwrap().version, 1);
        assert!(store.history().is_empty());
    }

    #[test]
    fn same_name_set_by_a_user_increases_the_version() {
        let mut store = FakeStore::new();
        let id = store.contact_named("Grace", &[]).id;
        let same = ContactPatch { display_name: Change::Set(ContactName::parse("Grace").unwrap()), ..patch(1) };
        assert_eq!(change(&mut store, id, same).unwrap().version, 2);
    }

    #[test]
    fn consent_changes_are_added_to_the_history() {
        let mut store = FakeStore::new();
        let id = store.contact_named("Grace", &[]).id;
        let consents = [MarketingConsent::Granted, MarketingConsent::Withdrawn, MarketingConsent::Unknown];
        for (version, consent) in (1..).zip(consents) {
            change(&mut store, id, ContactPatch { marketing_consent: Some(consent), ..patch(version) }).unwrap();
        }
        assert_eq!(
            store.history(),
            ["Wants marketing messages", "Wants no marketing messages", "Marketing consent reset"]
        );
    }

    #[test]
    fn attributes_are_merged_with_the_stored_ones() {
        let mut store = FakeStore::new();
        let id = store.contact_named("Grace", &[]).id;
        let set = ContactPatch { attributes: attributes(&json!({"a": 1, "b": {"c": 2}})), ..patch(1) };
        change(&mut store, id, set).unwrap();
        let merge = ContactPatch { attributes: attributes(&json!({"a": null, "b": {"d": 3}})), ..patch(2) };
        assert_eq!(Value::Object(change(&mut store, id, merge).unwrap().attributes), json!({"b": {"c": 2, "d": 3}}));
    }

    #[test]
    fn merged_attributes_over_the_limit_are_rejected() {
        let mut store = FakeStore::new();
        let id = store.contact_named("Grace", &[]).id;
        let half = |name: &str| attributes(&json!({name: "x".repeat(9_000)}));
        change(&mut store, id, ContactPatch { attributes: half("a"), ..patch(1) }).unwrap();
        let outcome = change(&mut store, id, ContactPatch { attributes: half("b"), ..patch(2) });
        assert!(matches!(outcome, Err(ChangeContactError::Attributes(InvalidAttributes::TooBig))));
        assert_eq!(store.contacts[&id].version, 2);
    }

    #[test]
    fn missing_contact_is_not_found() {
        let mut store = FakeStore::new();
        let missing = ContactId::new(&*store.clock);
        assert!(matches!(change(&mut store, missing, patch(1)), Err(ChangeContactError::NotFound)));
    }
}
