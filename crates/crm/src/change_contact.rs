use kernel::ids::ContactId;
use kernel::{Change, Clock, CrmWrite, Permit, StoreError};
use serde_json::{Map, Value};

use crate::attributes::merge_patch;
use crate::contact::consent_changed;
use crate::{Attributes, Contact, ContactName, ContactTx, InvalidAttributes, Language, MarketingConsent};

/// What a user changes about a contact.
#[derive(Clone, Debug)]
pub struct ContactPatch {
    /// As the user last saw the contact.
    pub version: i64,
    /// Cleared, the name of the customer's profile takes its place when they next write.
    pub name: Change<ContactName>,
    /// A JSON Merge Patch of what is there.
    pub attributes: Change<Map<String, Value>>,
    pub language: Change<Language>,
    pub marketing_consent: Option<MarketingConsent>,
    pub needs_review: Option<bool>,
}

/// What is to be stored of a changed contact beside the contact itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContactChange {
    /// By a user: other sources of names leave it alone from then on.
    pub renamed: bool,
    /// A user has said what the contact wants.
    pub consented: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum ChangeContactError {
    #[error("there is no such contact")]
    NotFound,
    /// Somebody has changed the contact since.
    #[error("the contact was changed meanwhile")]
    Stale,
    /// What is there, patched, is more than may be there.
    #[error(transparent)]
    Attributes(#[from] InvalidAttributes),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes a contact. The version rises only if something is different then.
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
        return Err(ChangeContactError::Stale);
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
        let told = consent_changed(contact.id, contact.marketing_consent, permit.user(), clock);
        repo.insert_interactions(&[told], now).await?;
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
