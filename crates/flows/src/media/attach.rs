use crm::inbox::MessageKey;
use jobs::{JobKind, JobRepo, JobSubject, NewJob};
use kernel::ids::{AccountId, MediaId};
use kernel::{Clock, StoreError};
use media::{Lifetime, NewReceived, ReceivedMediaRepo};

/// What storing the files of received messages needs.
pub trait ReceiveMediaTx: ReceivedMediaRepo + JobRepo {}

impl<T: ReceivedMediaRepo + JobRepo + ?Sized> ReceiveMediaTx for T {}

/// Files of one account that are fetched at once after a new token; the others follow by their own times.
const MAX_WOKEN: i64 = 20_000;

/// Gives each of these messages that has a file at Meta a row for it, and a job that fetches it. Messages that were told before, and those
/// whose files Meta has deleted, get none.
///
/// # Errors
/// [`StoreError`].
pub async fn attach_received<Tx: ReceiveMediaTx + ?Sized>(
    tx: &mut Tx,
    messages: &[MessageKey],
    clock: &dyn Clock,
) -> Result<(), StoreError> {
    if messages.is_empty() {
        return Ok(());
    }
    let now = clock.now();
    let received = tx.received_without_media(messages, now - Lifetime::AT_META).await?;
    if received.is_empty() {
        return Ok(());
    }
    let media: Vec<NewReceived> = received.into_iter().map(|received| NewReceived::new(received, clock)).collect();
    tx.insert_received(&media, now).await?;
    let jobs = media.iter().filter_map(|media| {
        let job = download_job(media.id, clock)?;
        Some(NewJob { created_at: media.received.sent_at, ..job })
    });
    tx.schedule_jobs(&jobs.collect::<Vec<_>>()).await
}

/// Makes the jobs of the account's files due that wait: it has a new access token.
///
/// # Errors
/// [`StoreError`].
pub async fn wake_waiting<Tx: ReceiveMediaTx + ?Sized>(
    tx: &mut Tx,
    account: AccountId,
    clock: &dyn Clock,
) -> Result<(), StoreError> {
    let waiting = tx.waiting_of_account(account, MAX_WOKEN).await?;
    let jobs: Vec<NewJob> = waiting.into_iter().filter_map(|id| download_job(id, clock)).collect();
    if jobs.is_empty() { Ok(()) } else { tx.schedule_jobs(&jobs).await }
}

/// Fetches the file now.
pub(crate) fn download_job(id: MediaId, clock: &dyn Clock) -> Option<NewJob> {
    let subject = JobSubject::parse(&id.to_string()).ok()?;
    Some(NewJob::new(JobKind::MediaDownload, subject, clock.now(), clock))
}
