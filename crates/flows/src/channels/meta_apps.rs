use audit::{Action, Principal, Record, RequestOrigin, target};
use channels::{ChangeMetaAppError, CreateMetaAppError, DeleteMetaAppError, MetaApp, MetaAppPatch, NewMetaApp};
use kernel::seal::KeyRing;
use kernel::{ChannelsWrite, Clock, Entropy, Permit};
use whatsapp::MetaAppKey;

use super::MetaAppTx;

/// Creates a Meta app of the tenant.
///
/// # Errors
/// [`CreateMetaAppError`].
pub async fn create_meta_app(
    permit: Permit<ChannelsWrite>,
    tx: &mut dyn MetaAppTx,
    app: NewMetaApp,
    ring: &KeyRing,
    origin: RequestOrigin,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<MetaApp, CreateMetaAppError> {
    let record = Record::new(Principal::User(permit.user()), origin, Action::MetaAppCreated, clock);
    let app = channels::create_meta_app(permit, tx, app, ring, entropy, clock).await?;
    tx.append_audit_record(&record.about(target::META_APP, &app.key.as_str())).await?;
    Ok(app)
}

/// Changes a tenant's Meta app. After the commit, deliveries are checked with the new secrets.
///
/// # Errors
/// [`ChangeMetaAppError`].
#[expect(clippy::too_many_arguments, reason = "what changes, who changes it, and what a use case needs of the machine")]
pub async fn change_meta_app(
    permit: Permit<ChannelsWrite>,
    tx: &mut dyn MetaAppTx,
    key: &MetaAppKey,
    patch: MetaAppPatch,
    ring: &KeyRing,
    origin: RequestOrigin,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<MetaApp, ChangeMetaAppError> {
    let record = Record::new(Principal::User(permit.user()), origin, Action::MetaAppChanged, clock);
    let app = channels::change_meta_app(permit, tx, key, patch, ring, entropy, clock).await?;
    tx.append_audit_record(&record.about(target::META_APP, &key.as_str())).await?;
    Ok(app)
}

/// Deletes a tenant's Meta app with its secrets. Its key is not used again.
///
/// # Errors
/// [`DeleteMetaAppError`].
pub async fn delete_meta_app(
    permit: Permit<ChannelsWrite>,
    tx: &mut dyn MetaAppTx,
    key: &MetaAppKey,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<(), DeleteMetaAppError> {
    let record = Record::new(Principal::User(permit.user()), origin, Action::MetaAppDeleted, clock);
    channels::delete_meta_app(permit, tx, key).await?;
    Ok(tx.append_audit_record(&record.about(target::META_APP, &key.as_str())).await?)
}
