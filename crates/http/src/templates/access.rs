//! What a call to Meta needs, read before it: no transaction is open during the call.

use flows::{TenantTx, business_account_access};
use kernel::Grant;
use kernel::ids::{AccountId, TemplateId};
use outbound::{BusinessAccountAccess, StoredTemplate};

use crate::auth::Allow;
use crate::problem::{Code, FieldError, Hints, Problem};
use crate::state::State;

/// Meta's id of the business account of a number that the body names.
pub(super) async fn business_account(tx: &mut dyn TenantTx, account: AccountId) -> Result<String, Problem> {
    let account = tx.account(account).await?.ok_or_else(|| {
        let error = FieldError::in_body("/account_id", "invalid", "there is no such account");
        Problem::new(Code::ValidationFailed).with_errors(vec![error])
    })?;
    Ok(account.waba_id.as_str().to_owned())
}

pub(super) async fn access(
    tx: &mut dyn TenantTx,
    state: &State,
    waba_id: &str,
) -> Result<BusinessAccountAccess, Problem> {
    business_account_access(tx, waba_id, &state.key_ring).await?.ok_or_else(|| {
        let advice = "Set the access token of an active number of the business account.".to_owned();
        Problem::new(Code::ChannelNotReady).with_hints(Hints { advice: Some(advice), ..Hints::default() })
    })
}

/// A template, and access to its business account.
pub(super) async fn template_with_access<P: Grant>(
    allow: &Allow<P>,
    state: &State,
    id: TemplateId,
) -> Result<(StoredTemplate, BusinessAccountAccess), Problem> {
    state
        .in_scope(allow.scope(), async |tx| {
            let stored = tx.template(id).await?.ok_or_else(Problem::not_found)?;
            let access = access(tx, state, &stored.waba_id).await?;
            Ok::<_, Problem>((stored, access))
        })
        .await
}
