use std::fmt;
use std::sync::Arc;

use channels::{AccountStatus, CheckedFacts, CheckedToken, OpenToken, SendingAccount, sending_account};
use chrono::{DateTime, TimeDelta, Utc};
use kernel::ids::MediaId;
use kernel::seal::KeyRing;
use kernel::{Clock, StoreError, TenantScope, error_chain};
use media::{
    ByteSource, Checked, FileCheck, Lifetime, MediaApi, MediaApiError, MediaDescription, MediaFailure, MediaState,
    ObjectStore, ObjectWriter, Sha256, StoredFile, WaitingMedia, next_attempt,
};
use outbound::{ErrorClass, SendingPause, When, classify};
use tracing::{info, warn};
use whatsapp::GraphError;

use super::write::{ObjectWrite, WriteError};
use crate::{Database, TenantTx, settle};

/// How long a file of an account without a usable token waits until it is looked at again: a new token wakes it.
const WITHOUT_TOKEN: TimeDelta = TimeDelta::hours(6);
/// HTTP answers at a file's address that say that the address is not valid any more.
const NOT_THERE: [u16; 2] = [404, 410];
/// Those that say that the token is not.
const UNAUTHORIZED: [u16; 1] = [401];
/// Meta's codes for something that does not exist, or that the token may not see.
const UNKNOWN_OBJECT: (i64, i64) = (100, 33);

/// Is told what became of attempts, for metrics.
pub trait MediaObserver: Send + Sync {
    /// A file is here, so long after its message was sent.
    fn stored(&self, bytes: u64, after: TimeDelta);
    /// An attempt failed; in which state the file ended by it, if it did.
    fn failed(&self, failure: MediaFailure, end: Option<MediaState>);
}

/// Fetches files of messages from Meta.
#[derive(Clone)]
pub struct DownloadMedia {
    pub database: Arc<dyn Database>,
    pub api: Arc<dyn MediaApi>,
    pub store: Arc<dyn ObjectStore>,
    pub ring: Arc<KeyRing>,
    pub observer: Arc<dyn MediaObserver>,
    pub clock: Arc<dyn Clock>,
    /// Larger files are refused.
    pub max_bytes: u64,
}

/// What an attempt brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Downloaded {
    /// There is nothing to fetch, or not any more: the file is here, or its message is gone.
    Done,
    /// The file is tried again then.
    Waits { failure: MediaFailure, until: DateTime<Utc> },
    /// The file has ended in that state.
    Ended(MediaState),
}

/// A token that can be used, and whose number.
struct Access {
    number: String,
    token: OpenToken,
}

/// Why an attempt failed.
struct Failed {
    failure: MediaFailure,
    /// What Meta said, if it refused.
    refusal: Option<Box<GraphError>>,
}

impl From<MediaFailure> for Failed {
    fn from(failure: MediaFailure) -> Self {
        Self { failure, refusal: None }
    }
}

impl DownloadMedia {
    /// One attempt. It can be interrupted at any point and repeated: the file is visible once it is whole, checked, and committed.
    ///
    /// # Errors
    /// [`StoreError`]: nothing is recorded.
    pub async fn run(&self, scope: &TenantScope, id: MediaId) -> Result<Downloaded, StoreError> {
        let mut tx = self.database.tenant(scope).await?;
        let found = self.find(&mut *tx, id).await;
        let Some((waiting, access)) = settle(tx, found).await? else { return Ok(Downloaded::Done) };
        if self.clock.now() >= waiting.waits_until {
            return self.failed(scope, &waiting, MediaFailure::Deadline.into(), None).await;
        }
        let access = match access {
            Ok(access) => access,
            Err(failure) => return self.failed(scope, &waiting, failure.into(), None).await,
        };
        match self.fetch(scope, &waiting, &access).await {
            Ok(checked) => self.stored(scope, &waiting, checked).await,
            Err(failed) => self.failed(scope, &waiting, failed, Some(&access)).await,
        }
    }

    async fn find(
        &self,
        tx: &mut dyn TenantTx,
        id: MediaId,
    ) -> Result<Option<(WaitingMedia, Result<Access, MediaFailure>)>, StoreError> {
        let Some(waiting) = tx.waiting_media(id).await? else { return Ok(None) };
        let access = match sending_account(tx, waiting.account, &self.ring).await {
            Ok(Some(SendingAccount { account, access_token: Some(token) })) => {
                if matches!(account.status, AccountStatus::Disconnected(_)) {
                    Err(MediaFailure::NoToken)
                } else if account.sending.token_refusal.is_some() {
                    Err(MediaFailure::TokenRefused)
                } else {
                    Ok(Access { number: account.phone_number_id.as_str().to_owned(), token })
                }
            }
            Ok(_) => Err(MediaFailure::NoToken),
            Err(channels::AccountCredentialsError::Store(error)) => return Err(error),
            Err(error) => {
                warn!(error = error_chain(&error), "opening the access token of an account failed");
                Err(MediaFailure::NoToken)
            }
        };
        Ok(Some((waiting, access)))
    }

    /// Fetches the bytes, and makes them an object.
    async fn fetch(&self, scope: &TenantScope, waiting: &WaitingMedia, access: &Access) -> Result<Checked, Failed> {
        let (description, source) = self.open(waiting, access).await?;
        let expected = match description.sha256.as_deref().map(Sha256::parse) {
            Some(Ok(hash)) => Some(hash),
            // What cannot be read cannot be compared.
            Some(Err(_)) => return Err(MediaFailure::WrongHash.into()),
            None => None,
        };
        let check = FileCheck::begin(self.max_bytes, description.size, expected)?;
        let size = description.size.or(source.size());
        let writer = self.store.begin(scope.tenant(), size).await.map_err(|error| store_failed(&error))?;
        let declared = description.mime_type.as_deref().or(waiting.mime_type.as_deref());
        let (checked, writer) = copy(source, writer, check, waiting, declared).await?;
        let write = ObjectWrite { sha256: checked.sha256, size: checked.size };
        match write.publish(&*self.database, scope, writer, &*self.clock).await {
            Ok(()) => Ok(checked),
            Err(WriteError::BeingDeleted) => Err(MediaFailure::Store.into()),
            Err(error) => {
                warn!(error = error_chain(&error), "storing a file failed");
                Err(MediaFailure::Store.into())
            }
        }
    }

    /// Asks for the address, and opens it. An address lives five minutes: if it has no file, another is asked for, once.
    async fn open(
        &self,
        waiting: &WaitingMedia,
        access: &Access,
    ) -> Result<(MediaDescription, Box<dyn ByteSource>), Failed> {
        let mut last = None;
        for _ in 0..2 {
            let described = self.api.describe(&access.token.secret, &access.number, &waiting.meta_id).await;
            let description = described.map_err(described_failure)?;
            match self.api.fetch(&access.token.secret, &description.url).await {
                Ok(source) => return Ok((description, source)),
                Err(MediaApiError::Status(status)) if NOT_THERE.contains(&status) => {
                    last = Some(Failed::from(MediaFailure::AddressExpired));
                }
                Err(error) => return Err(fetched_failure(error)),
            }
        }
        Err(last.unwrap_or_else(|| MediaFailure::AddressExpired.into()))
    }

    async fn stored(
        &self,
        scope: &TenantScope,
        waiting: &WaitingMedia,
        checked: Checked,
    ) -> Result<Downloaded, StoreError> {
        let now = self.clock.now();
        let file = StoredFile { sha256: checked.sha256, size: checked.size };
        let mut tx = self.database.tenant(scope).await?;
        let stored = confirm(&mut *tx, waiting.id, file, &checked.mime_type, now).await;
        match settle(tx, stored).await? {
            Confirmed::Stored => {
                let sent_at = waiting.waits_until - Lifetime::AT_META;
                self.observer.stored(checked.size, now - sent_at);
                Ok(Downloaded::Done)
            }
            Confirmed::NotWanted => Ok(Downloaded::Done),
            Confirmed::TooLate => self.failed(scope, waiting, MediaFailure::Store.into(), None).await,
        }
    }

    async fn failed(
        &self,
        scope: &TenantScope,
        waiting: &WaitingMedia,
        failed: Failed,
        access: Option<&Access>,
    ) -> Result<Downloaded, StoreError> {
        let now = self.clock.now();
        let Failed { failure, refusal } = failed;
        let alike = if waiting.failure == Some(failure) { waiting.alike.saturating_add(1) } else { 1 };
        let end = failure.end_after(alike);
        let mut tx = self.database.tenant(scope).await?;
        let recorded = record(&mut *tx, waiting, failure, end, refusal.as_deref().zip(access), now).await;
        settle(tx, recorded).await?;
        self.observer.failed(failure, end);
        if let Some(state) = end {
            info!(
                tenant_id = %scope.tenant(), media_id = %waiting.id, state = state.into_str(), reason = failure.into_str(),
                "a file of a message was not fetched"
            );
            return Ok(Downloaded::Ended(state));
        }
        let until = match failure {
            MediaFailure::NoToken | MediaFailure::TokenRefused => (now + WITHOUT_TOKEN).min(waiting.waits_until),
            _ => next_attempt(now, waiting.failures.saturating_add(1), waiting.waits_until),
        };
        Ok(Downloaded::Waits { failure, until })
    }
}

enum Confirmed {
    Stored,
    /// It does not wait any more.
    NotWanted,
    /// The object was reserved too long ago.
    TooLate,
}

async fn confirm(
    tx: &mut dyn TenantTx,
    id: MediaId,
    file: StoredFile,
    mime_type: &str,
    now: DateTime<Utc>,
) -> Result<Confirmed, StoreError> {
    if !tx.confirm_object(&file.sha256, now).await? {
        return Ok(Confirmed::TooLate);
    }
    let stored = tx.media_stored(id, file, mime_type, now).await?;
    Ok(if stored { Confirmed::Stored } else { Confirmed::NotWanted })
}

/// A refusal of the token stops the account as one that a sender met does.
async fn record(
    tx: &mut dyn TenantTx,
    waiting: &WaitingMedia,
    failure: MediaFailure,
    end: Option<MediaState>,
    refusal: Option<(&GraphError, &Access)>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if let Some((error, access)) = refusal
        && failure == MediaFailure::TokenRefused
    {
        let verdict = classify(error, When::Answer);
        let code = error.code.map_or_else(|| "HTTP 401".to_owned(), |code| format!("code {code}"));
        let facts = CheckedFacts { token: Some(CheckedToken::Refused(code)), is_registered: None };
        if tx.record_account_facts(waiting.account, access.token.set_at, &facts).await?
            && let Some(pause) = SendingPause::of_account(&verdict, waiting.account, error.code, now)
        {
            tx.store_pause(&pause).await?;
        }
    }
    tx.media_failed(waiting.id, failure, end, now).await
}

/// Copies the bytes into the store, and checks them. What fails is discarded.
async fn copy(
    mut source: Box<dyn ByteSource>,
    mut writer: Box<dyn ObjectWriter>,
    mut check: FileCheck,
    waiting: &WaitingMedia,
    declared: Option<&str>,
) -> Result<(Checked, Box<dyn ObjectWriter>), Failed> {
    let failure = loop {
        match source.next().await {
            Ok(Some(bytes)) => {
                if let Err(failure) = check.update(&bytes) {
                    break failure;
                }
                if let Err(error) = writer.write(bytes).await {
                    break store_failed(&error);
                }
            }
            Ok(None) => match check.finish(waiting.kind, declared) {
                Ok(checked) => return Ok((checked, writer)),
                Err(failure) => break failure,
            },
            Err(_) => break MediaFailure::NoAnswer,
        }
    };
    writer.abort().await;
    Err(failure.into())
}

fn store_failed(error: &media::ObjectStoreError) -> MediaFailure {
    warn!(error = error_chain(error), "writing a file to the object store failed");
    MediaFailure::Store
}

fn described_failure(error: MediaApiError) -> Failed {
    match error {
        MediaApiError::Refused(refusal) => {
            let unknown = refusal.code == Some(UNKNOWN_OBJECT.0)
                && refusal.subcode.is_none_or(|subcode| subcode == UNKNOWN_OBJECT.1);
            let failure = if classify(&refusal, When::Answer).class == ErrorClass::Token {
                MediaFailure::TokenRefused
            } else if unknown || refusal.http_status == Some(404) {
                MediaFailure::NotFound
            } else {
                MediaFailure::MetaRefused
            };
            Failed { failure, refusal: Some(refusal) }
        }
        MediaApiError::Status(status) if NOT_THERE.contains(&status) => MediaFailure::NotFound.into(),
        other => fetched_failure(other),
    }
}

fn fetched_failure(error: MediaApiError) -> Failed {
    match error {
        MediaApiError::Refused(_) => described_failure(error),
        // An error of the Graph API says whether it is the token; an address that refuses one may be too old.
        MediaApiError::Status(status) if UNAUTHORIZED.contains(&status) => {
            let refusal = GraphError { http_status: Some(status), code: Some(190), ..GraphError::default() };
            Failed { failure: MediaFailure::TokenRefused, refusal: Some(Box::new(refusal)) }
        }
        MediaApiError::Status(_) => MediaFailure::MetaRefused.into(),
        MediaApiError::ForeignAddress => MediaFailure::ForeignAddress.into(),
        MediaApiError::Silent(_) | MediaApiError::Source(_) => MediaFailure::NoAnswer.into(),
    }
}

impl fmt::Debug for DownloadMedia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DownloadMedia").finish_non_exhaustive()
    }
}
