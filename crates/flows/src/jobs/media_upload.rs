use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use channels::{AccountStatus, CheckedFacts, CheckedToken, OpenToken, SendingAccount, sending_account};
use jobs::{JobKind, JobOutcome, JobSubject};
use kernel::ids::MediaUploadId;
use kernel::seal::KeyRing;
use kernel::{Clock, ErrorClass as JobErrorClass, StoreError, TenantScope, error_chain};
use media::{MediaApi, MediaApiError, NewUpload, ObjectKey, ObjectStore, ObjectStoreError, WantedUpload};
use outbound::{Action, ErrorClass, SendingPause, When, classify};
use tracing::{info, warn};
use whatsapp::GraphError;

use super::handler::JobHandler;
use crate::{Database, SendBell, TenantTx, settle};

/// Gives Meta a file that a message is to show, before the message leaves. The subject is the id of the wish, which a sender makes when a
/// message is to leave whose file Meta does not have. The message is not touched: as long as this fails, it has surely not been sent.
#[derive(Clone)]
pub struct MediaUploadJob {
    pub database: Arc<dyn Database>,
    pub api: Arc<dyn MediaApi>,
    pub store: Arc<dyn ObjectStore>,
    pub ring: Arc<KeyRing>,
    pub bell: Arc<dyn SendBell>,
    pub clock: Arc<dyn Clock>,
}

struct Access {
    number: String,
    token: OpenToken,
}

/// What an upload brought.
enum Uploaded {
    Taken(String),
    /// Meta does not take it, or the bytes are not here any more.
    Refused(&'static str),
    Later(JobErrorClass, String),
    TokenRefused(Box<GraphError>),
}

#[async_trait]
impl JobHandler for MediaUploadJob {
    fn kind(&self) -> JobKind {
        JobKind::MediaUpload
    }

    async fn run(&self, scope: &TenantScope, subject: &JobSubject) -> JobOutcome {
        let Ok(id) = subject.as_str().parse() else { return JobOutcome::Done };
        self.attempt(scope, id).await.unwrap_or_else(|error| {
            warn!(error = error_chain(&error), "uploading a file to Meta failed");
            JobOutcome::retry(JobErrorClass::Transient, "the upload could not be recorded")
        })
    }
}

impl MediaUploadJob {
    async fn attempt(&self, scope: &TenantScope, id: MediaUploadId) -> Result<JobOutcome, StoreError> {
        let mut tx = self.database.tenant(scope).await?;
        let found = self.find(&mut *tx, id).await;
        let Some((wanted, access)) = settle(tx, found).await? else { return Ok(JobOutcome::Done) };
        // The sender schedules it again when the number can send.
        let Some(access) = access else { return Ok(JobOutcome::Done) };
        match self.upload(scope, &wanted, &access).await {
            Uploaded::Taken(meta_id) => self.end(scope, id, &wanted, Some(&meta_id)).await,
            Uploaded::Refused(reason) => {
                info!(tenant_id = %scope.tenant(), account_id = %wanted.account, reason, "Meta did not take a file");
                self.end(scope, id, &wanted, None).await
            }
            Uploaded::Later(class, error) => Ok(JobOutcome::retry(class, error)),
            Uploaded::TokenRefused(error) => {
                let mut tx = self.database.tenant(scope).await?;
                let recorded = self.record_refusal(&mut *tx, &wanted, &access, &error).await;
                settle(tx, recorded).await?;
                Ok(JobOutcome::Done)
            }
        }
    }

    async fn find(
        &self,
        tx: &mut dyn TenantTx,
        id: MediaUploadId,
    ) -> Result<Option<(WantedUpload, Option<Access>)>, StoreError> {
        let Some(wanted) = tx.wanted_upload(id).await? else { return Ok(None) };
        let access = match sending_account(tx, wanted.account, &self.ring).await {
            Ok(Some(SendingAccount { account, access_token: Some(token) }))
                if !matches!(account.status, AccountStatus::Disconnected(_)) =>
            {
                Some(Access { number: account.phone_number_id.as_str().to_owned(), token })
            }
            Ok(_) => None,
            Err(channels::AccountCredentialsError::Store(error)) => return Err(error),
            Err(error) => {
                warn!(error = error_chain(&error), "opening the access token of an account failed");
                None
            }
        };
        Ok(Some((wanted, access)))
    }

    async fn upload(&self, scope: &TenantScope, wanted: &WantedUpload, access: &Access) -> Uploaded {
        let key = ObjectKey::whole(scope.tenant(), wanted.sha256);
        let bytes = match self.store.read(&key, None).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Uploaded::Refused("the bytes are not in the store"),
            Err(error) => return store_failed(&error),
        };
        let file = NewUpload {
            kind: wanted.kind,
            mime_type: wanted.mime_type.clone(),
            filename: wanted.filename.clone(),
            size: wanted.size,
        };
        match self.api.upload(&access.token.secret, &access.number, &file, bytes).await {
            Ok(meta_id) => Uploaded::Taken(meta_id),
            Err(MediaApiError::Refused(error)) => refused(error),
            Err(error @ MediaApiError::Source(_)) => Uploaded::Later(JobErrorClass::Dependency, error.to_string()),
            Err(error) => Uploaded::Later(JobErrorClass::Transient, error.to_string()),
        }
    }

    async fn end(
        &self,
        scope: &TenantScope,
        id: MediaUploadId,
        wanted: &WantedUpload,
        meta_id: Option<&str>,
    ) -> Result<JobOutcome, StoreError> {
        let mut tx = self.database.tenant(scope).await?;
        let recorded = tx.media_uploaded(id, meta_id, self.clock.now()).await;
        settle(tx, recorded).await?;
        self.bell.ring(wanted.account);
        Ok(JobOutcome::Done)
    }

    /// A refusal of the token stops the account as one that a sender met does.
    async fn record_refusal(
        &self,
        tx: &mut dyn TenantTx,
        wanted: &WantedUpload,
        access: &Access,
        error: &GraphError,
    ) -> Result<(), StoreError> {
        let code = error.code.map_or_else(|| "HTTP 401".to_owned(), |code| format!("code {code}"));
        let facts = CheckedFacts { token: Some(CheckedToken::Refused(code)), is_registered: None };
        let verdict = classify(error, When::Answer);
        if tx.record_account_facts(wanted.account, access.token.set_at, &facts).await?
            && let Some(pause) = SendingPause::of_account(&verdict, wanted.account, error.code, self.clock.now())
        {
            tx.store_pause(&pause).await?;
        }
        Ok(())
    }
}

fn refused(error: Box<GraphError>) -> Uploaded {
    let verdict = classify(&error, When::Answer);
    match verdict.action {
        _ if verdict.class == ErrorClass::Token => Uploaded::TokenRefused(error),
        // An upload can be repeated, also if it is unclear what became of it.
        Action::Requeue | Action::Hold | Action::Unknown | Action::UploadAgain => {
            Uploaded::Later(JobErrorClass::Transient, format!("Meta refused the file for now: {}", verdict.title))
        }
        Action::Fail => Uploaded::Refused(verdict.title),
    }
}

fn store_failed(error: &ObjectStoreError) -> Uploaded {
    warn!(error = error_chain(error), "reading a file from the object store failed");
    Uploaded::Later(JobErrorClass::Dependency, "the object store did not give the file".to_owned())
}

impl fmt::Debug for MediaUploadJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaUploadJob").finish_non_exhaustive()
    }
}
