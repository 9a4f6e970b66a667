use audit::{Action, Record, RequestOrigin, target};
use chrono::{DateTime, Utc};
use kernel::ids::MessageId;
use kernel::{Clock, MessagesSend, Permit, StoreError};
use outbound::{MessageStatus, Reason, SEND_WITHIN, StoredSend, Thread};

use super::SendMessageTx;
use super::prepare_send::{MessageRequest, SendMessageError, prepare};

#[derive(Debug, thiserror::Error)]
pub enum ChangeSendError {
    #[error("the message does not exist, or was not sent by Parley")]
    NotFound,
    /// It is not failed, or it is unclear and statuses may still arrive.
    #[error("the message cannot be sent again now")]
    NotResendable,
    #[error("there is nothing to dismiss")]
    NotDismissable,
    /// It has left.
    #[error("the message has left")]
    NotCancelable,
    #[error("the message has left")]
    NotChangeable,
    #[error(transparent)]
    Send(#[from] SendMessageError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sends a message again that failed, expired or was canceled, or that stayed unclear: a new attempt of the same message.
///
/// # Errors
/// [`ChangeSendError`].
pub async fn resend_message(
    permit: Permit<MessagesSend>,
    tx: &mut dyn SendMessageTx,
    message: MessageId,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<(), ChangeSendError> {
    let now = clock.now();
    let send = locked(tx, message, now).await?;
    if !send.can_be_resent(now) {
        return Err(ChangeSendError::NotResendable);
    }
    let was_unclear = send.may_have_been_sent || send.status() == MessageStatus::Unknown;
    tx.requeue_send(send.id, now + SEND_WITHIN, was_unclear, now).await?;
    append(tx, &permit, Action::MessageResent, message, origin, clock).await
}

/// Says that nothing is left to do about a message that failed or stayed unclear.
///
/// # Errors
/// [`ChangeSendError`].
pub async fn dismiss_message(
    permit: Permit<MessagesSend>,
    tx: &mut dyn SendMessageTx,
    message: MessageId,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<(), ChangeSendError> {
    let now = clock.now();
    let send = locked(tx, message, now).await?;
    if !send.can_be_dismissed(now) {
        return Err(ChangeSendError::NotDismissable);
    }
    tx.dismiss_send(send.id, now).await?;
    append(tx, &permit, Action::MessageDismissed, message, origin, clock).await
}

/// Cancels a message that has not left.
///
/// # Errors
/// [`ChangeSendError`].
pub async fn cancel_message(
    permit: Permit<MessagesSend>,
    tx: &mut dyn SendMessageTx,
    message: MessageId,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<(), ChangeSendError> {
    let now = clock.now();
    let send = locked(tx, message, now).await?;
    if !send.has_not_left() {
        return Err(ChangeSendError::NotCancelable);
    }
    tx.cancel_send(send.id, &Reason::CanceledByUser.error(), now).await?;
    append(tx, &permit, Action::MessageCanceled, message, origin, clock).await
}

/// The send of a message, as it is to be changed: what a change does not name stays.
///
/// # Errors
/// [`ChangeSendError`].
pub async fn send_to_change(
    tx: &mut dyn SendMessageTx,
    message: MessageId,
    clock: &dyn Clock,
) -> Result<StoredSend, ChangeSendError> {
    // The conversation is locked before the send, as when a message is sent.
    lock_thread(tx, message).await?;
    let send = locked(tx, message, clock.now()).await?;
    if send.has_not_left() { Ok(send) } else { Err(ChangeSendError::NotChangeable) }
}

/// Changes content and times of a message that has not left. The request is whole.
///
/// # Errors
/// [`ChangeSendError`].
pub async fn change_message(
    permit: Permit<MessagesSend>,
    tx: &mut dyn SendMessageTx,
    message: MessageId,
    request: MessageRequest,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<(), ChangeSendError> {
    let now = clock.now();
    let thread = lock_thread(tx, message).await?;
    let send = locked(tx, message, now).await?;
    if !send.has_not_left() {
        return Err(ChangeSendError::NotChangeable);
    }
    let prepared = prepare(tx, &thread, (message, send.id), send.sender, request, now).await?;
    tx.replace_send(&prepared.message, &prepared.send, now).await?;
    match prepared.file {
        Some(file) => tx.link_media(&[(message, file.id)]).await?,
        None => tx.unlink_media(message).await?,
    }
    append(tx, &permit, Action::MessageChanged, message, origin, clock).await
}

async fn lock_thread(tx: &mut dyn SendMessageTx, message: MessageId) -> Result<Thread, ChangeSendError> {
    let found = tx.message_to_send(message).await?.and_then(|message| message.conversation);
    let conversation = found.ok_or(ChangeSendError::NotFound)?;
    tx.lock_thread(conversation).await?.ok_or(ChangeSendError::NotFound)
}

async fn locked(
    tx: &mut dyn SendMessageTx,
    message: MessageId,
    now: DateTime<Utc>,
) -> Result<StoredSend, ChangeSendError> {
    tx.lock_send(message, now).await?.ok_or(ChangeSendError::NotFound)
}

async fn append(
    tx: &mut dyn SendMessageTx,
    permit: &Permit<MessagesSend>,
    action: Action,
    message: MessageId,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<(), ChangeSendError> {
    let record = Record::new(permit.actor().into(), origin, action, clock);
    tx.append_audit_record(&record.about(target::MESSAGE, &message)).await?;
    Ok(())
}
