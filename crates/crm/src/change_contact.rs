use kernel::ids::ContactId;
use kernel::{Change, Clock, CrmWrite, Permit, StoreError};
use serde_json::{Map, Value};

use crate::attributes::merge_patch;
use crate::contact::consent_interaction;
use crate::{Attributes, Contact, ContactName, ContactTx, InvalidAttributes, Language, MarketingConsent};

/// A user's changes to a contact.
#[derive(Clone, Debug)]
pub struct ContactPatch {
    /// The version that the user last read.
    pub version: i64,
    /// If cleared, the customer's next message sets the name of their profile.
    pub name: Change<ContactName>,
    /// A JSON Merge Patch (RFC 7396) of the stored attributes.
    pub attributes: Change<Map<String, Value>>,
    pub language: Change<Language>,
    pub marketing_consent: Option<MarketingConsent>,
    pub needs_review: Option<bool>,
}

/// Which sources of a contact's values a change replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContactChange {
    /// The name was set by a user; the profile and the address book no longer replace it.
    pub renamed: bool,
    /// The user changed the marketing consent.
    pub consented: bool,
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

/// Changes a contact. The version increases only if a value changes.
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
    let (contact, change) = patch.apply(before.clone())?;
    let is_different = change.renamed
        || change.consented
        || before.needs_review != contact.needs_review
        || before.language != contact.language
        || before.attributes != contact.attributes;
    if !is_different {
        return Ok(before);
    }
    let contact = Contact { version: before.version + 1, ..contact };
    let now = clock.now();
    repo.update_contact(&contact, change, now).await?;
    if change.consented {
        let interaction = consent_interaction(contact.id, contact.marketing_consent, permit.user(), clock);
        repo.insert_interactions(&[interaction], now).await?;
    }
    Ok(contact)
}

impl ContactPatch {
    fn apply(self, mut contact: Contact) -> Result<(Contact, ContactChange), InvalidAttributes> {
        let renamed = !self.name.is_keep();
        match self.name {
            Change::Keep => {}
            Change::Clear => contact.display_name.clear(),
            Change::Set(name) => contact.display_name = name.into_inner(),
        }
        match self.attributes {
            Change::Keep => {}
            Change::Clear => contact.attributes.clear(),
            Change::Set(patch) => {
                merge_patch(&mut contact.attributes, patch);
                contact.attributes = Attributes::new(contact.attributes)?.into_inner();
            }
        }
        match self.language {
            Change::Keep => {}
            Change::Clear => contact.language = None,
            Change::Set(language) => contact.language = Some(language.into_inner()),
        }
        let consented = self.marketing_consent.is_some_and(|consent| consent != contact.marketing_consent);
        contact.marketing_consent = self.marketing_consent.unwrap_or(contact.marketing_consent);
        contact.needs_review = self.needs_review.unwrap_or(contact.needs_review);
        Ok((contact, ContactChange { renamed, consented }))
    }
}
