use channels::{AccountCredentialsError, AccountRepo};
use chrono::TimeDelta;
use crm::ConversationRepo;
use kernel::ids::{AccountId, ConversationId};
use kernel::seal::KeyRing;
use kernel::{Clock, StoreError, TenantScope};
use outbound::template::ListedTemplates;
use outbound::{BusinessAccountAccess, TemplateApi, TemplateCall, TemplateRepo};

use super::ports::RefreshTemplateTx;
use super::sync_templates::{SyncTemplatesError, with_ids};
use super::{business_account_access, fill_template};
use crate::{Database, settle};

/// Refusals in a row cost one call to Meta in this time.
const REFRESH_PAUSE: TimeDelta = TimeDelta::seconds(10);

/// Whether the templates of one name may be read again before a message is refused because of their copies. It notes that they are,
/// so the transaction must be committed.
///
/// # Errors
/// [`StoreError`].
pub async fn claim_template_refresh(
    tx: &mut dyn TemplateRepo,
    waba_id: &str,
    clock: &dyn Clock,
) -> Result<bool, StoreError> {
    let now = clock.now();
    tx.claim_template_refresh(waba_id, now, now - REFRESH_PAUSE).await
}

/// Reads the templates of one name, in all languages, from Meta, and replaces their copies: an old copy alone must not refuse a
/// message. No transaction is open during the call.
///
/// # Errors
/// [`SyncTemplatesError`]: the copies stay as they were, and the refusal stands.
pub async fn refresh_template(
    database: &dyn Database,
    scope: &TenantScope,
    api: &dyn TemplateApi,
    access: &BusinessAccountAccess,
    name: &str,
    clock: &dyn Clock,
) -> Result<(), SyncTemplatesError> {
    let listed_at = clock.now();
    let listed = ListedTemplates::of_meta(&api.list(access, Some(name)).await?);
    let templates = with_ids(listed, clock);
    let mut tx = database.tenant(scope).await?;
    let replaced = tx.replace_templates(&access.waba_id, Some(name), &templates, listed_at).await;
    settle(tx, replaced).await?;
    Ok(())
}

/// Where a message with a template is to be sent from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateSource {
    Conversation(ConversationId),
    Account(AccountId),
}

/// Reads the templates of a call's name from Meta if their copies would refuse it. Whatever Meta says, what is stored then decides. To be
/// called before the message is stored, outside of a transaction.
///
/// # Errors
/// [`AccountCredentialsError`].
pub async fn refresh_refusing_template(
    database: &dyn Database,
    scope: &TenantScope,
    api: &dyn TemplateApi,
    ring: &KeyRing,
    source: TemplateSource,
    call: &TemplateCall,
    clock: &dyn Clock,
) -> Result<(), AccountCredentialsError> {
    let mut tx = database.tenant(scope).await?;
    let access = access_to_refresh(&mut *tx, ring, source, call, clock).await;
    let Some(access) = settle(tx, access).await? else { return Ok(()) };
    match refresh_template(database, scope, api, &access, &call.name, clock).await {
        Ok(()) => Ok(()),
        Err(SyncTemplatesError::Api(error)) => {
            tracing::warn!(error = %error, "reading a template again failed; its copy decides");
            Ok(())
        }
        Err(SyncTemplatesError::Store(error)) => Err(error.into()),
    }
}

/// `None` if the copy does not refuse the call, or was read again just now, or cannot be.
async fn access_to_refresh(
    tx: &mut dyn RefreshTemplateTx,
    ring: &KeyRing,
    source: TemplateSource,
    call: &TemplateCall,
    clock: &dyn Clock,
) -> Result<Option<BusinessAccountAccess>, AccountCredentialsError> {
    let account = match source {
        TemplateSource::Account(account) => Some(account),
        TemplateSource::Conversation(id) => {
            ConversationRepo::conversation(tx, id).await?.map(|conversation| conversation.account)
        }
    };
    let Some(account) = account else { return Ok(None) };
    let Some(account) = AccountRepo::account(tx, account).await? else { return Ok(None) };
    let waba_id = account.waba_id.as_str();
    if fill_template(tx, waba_id, call).await?.is_ok() || !claim_template_refresh(tx, waba_id, clock).await? {
        return Ok(None);
    }
    business_account_access(tx, waba_id, ring).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeStore, run};

    #[test]
    fn refusals_in_a_row_read_templates_once() {
        let mut store = FakeStore::new();
        let clock = store.clock.clone();
        let mut claim = || run(claim_template_refresh(&mut store, "900", &*clock)).unwrap();
        assert!(claim());
        clock.advance(TimeDelta::seconds(9));
        assert!(!claim());
        clock.advance(TimeDelta::seconds(2));
        assert!(claim());
    }
}
