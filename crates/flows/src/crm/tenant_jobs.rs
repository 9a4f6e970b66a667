use crm::{ContactJobDirectory, OldContentDirectory, RenewedMessage};
use kernel::ids::{MessageId, TenantId};
use kernel::{Clock, StoreError, TenantScope};
use whatsapp::MessageContent;

use super::contacts::ContactJobTx;
use crate::{Database, OldContentTx, settle};

/// Tenants read at once.
const TENANTS: i32 = 500;
/// Steps of one tenant before the next tenant's.
const STEPS: usize = 20;

/// The result of a round over all tenants with unfinished jobs.
#[derive(Debug, Default)]
pub struct TenantJobRun {
    /// Number of steps that were committed.
    pub steps: usize,
    /// Tenants whose step was rolled back.
    pub failures: Vec<(TenantId, StoreError)>,
    /// Whether something is left to do.
    pub is_unfinished: bool,
}

/// What is done for each tenant in steps. Each step is a transaction of its own, in which the tenant's events are not recorded.
#[derive(Clone, Copy)]
enum Job<'c> {
    Contacts,
    OldContent(&'c dyn Clock),
}

/// Continues the erasures and merges of contacts that their requests left unfinished: of each tenant a few steps, so that no tenant
/// waits for another's.
///
/// # Errors
/// [`StoreError`] if the tenants cannot be read.
pub async fn continue_contact_jobs(database: &dyn Database) -> Result<TenantJobRun, StoreError> {
    run(database, Job::Contacts).await
}

/// Derives what earlier versions stored again by the rules of this version: texts and parts of messages from their payloads, the order
/// of what happened within a second, conversations of imported messages, and words for search. Of each tenant a few steps.
///
/// # Errors
/// [`StoreError`] if the tenants cannot be read.
pub async fn renew_old_content(database: &dyn Database, clock: &dyn Clock) -> Result<TenantJobRun, StoreError> {
    run(database, Job::OldContent(clock)).await
}

async fn run(database: &dyn Database, job: Job<'_>) -> Result<TenantJobRun, StoreError> {
    let mut run = TenantJobRun::default();
    let mut last = None;
    loop {
        let mut tx = database.directory().await?;
        let found = match job {
            Job::Contacts => ContactJobDirectory::tenants_with_contact_jobs(&mut *tx, last, TENANTS).await,
            Job::OldContent(_) => OldContentDirectory::tenants_with_old_content(&mut *tx, last, TENANTS).await,
        };
        let tenants = settle(tx, found).await?;
        let Some(end) = tenants.last() else { return Ok(run) };
        last = Some(*end);
        for tenant in tenants {
            continue_of_tenant(database, job, tenant, &mut run).await;
        }
    }
}

async fn continue_of_tenant(database: &dyn Database, job: Job<'_>, tenant: TenantId, run: &mut TenantJobRun) {
    for _ in 0..STEPS {
        match step(database, job, &scope(tenant)).await {
            Ok(true) => run.steps += 1,
            Ok(false) => {
                run.steps += 1;
                return;
            }
            Err(error) => {
                run.failures.push((tenant, error));
                return;
            }
        }
    }
    run.is_unfinished = true;
}

async fn step(database: &dyn Database, job: Job<'_>, scope: &TenantScope) -> Result<bool, StoreError> {
    let mut tx = database.tenant(scope).await?;
    let outcome = match job {
        Job::Contacts => continue_contact_job(&mut *tx).await,
        Job::OldContent(clock) => renew_content(&mut *tx, clock).await,
    };
    settle(tx, outcome).await
}

/// One step. Returns whether anything is left to do.
async fn continue_contact_job(tx: &mut dyn ContactJobTx) -> Result<bool, StoreError> {
    tx.lock_recording_exclusive().await?;
    tx.continue_contact_job().await
}

/// One step: some messages, or some names once no messages are left. Returns whether anything is left to do.
async fn renew_content(tx: &mut dyn OldContentTx, clock: &dyn Clock) -> Result<bool, StoreError> {
    tx.lock_recording_exclusive().await?;
    let messages = tx.old_messages().await?;
    if messages.is_empty() {
        return tx.renew_names().await;
    }
    let ids: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
    let renewed = messages.into_iter().map(|message| {
        let content = MessageContent::of_payload(&message.payload);
        let (text, parts) = content.map_or((None, Vec::new()), |content| (Some(content.text), content.parts));
        RenewedMessage { id: message.id, text, parts }
    });
    tx.renew_messages(&renewed.collect::<Vec<_>>()).await?;
    tx.renew_past(&ids, clock).await?;
    Ok(true)
}

#[expect(clippy::disallowed_methods, reason = "the directory names the tenant: it has an unfinished job")]
const fn scope(tenant: TenantId) -> TenantScope {
    TenantScope::mint(tenant)
}
