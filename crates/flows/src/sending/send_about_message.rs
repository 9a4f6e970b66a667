use chrono::TimeDelta;
use kernel::ids::{AccountId, ConversationId, MessageId, SendId};
use kernel::{Clock, CrmWrite, MessagesSend, Permit, StoreError};
use outbound::{
    Address, Content, Emoji, MessageToSend, NewSend, OnUnknown, OutboundReaction, SendKind, Sender, Thread,
    message_json, read_receipt_json, typing_json,
};

use super::SendMessageTx;
use super::prepare_send::{SendMessageError, address, check_thread};

/// Meta takes reactions to, and receipts of, messages of the last 30 days.
const MAX_AGE: TimeDelta = TimeDelta::days(30);
/// A typing indicator shows that long.
const TYPING: TimeDelta = TimeDelta::seconds(25);
/// A receipt or reaction that has not left by then is of no use.
const USEFUL: TimeDelta = TimeDelta::hours(1);

#[derive(Debug, thiserror::Error)]
pub enum AboutMessageError {
    #[error("the message does not exist")]
    NotFound,
    /// It is too old, or WhatsApp does not know it.
    #[error("WhatsApp takes no such reaction")]
    Unsuitable,
    #[error(transparent)]
    Send(#[from] SendMessageError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reacts to a message, or takes the reaction back. Returns the account whose sender is to be woken.
///
/// # Errors
/// [`AboutMessageError`].
pub async fn react(
    permit: Permit<MessagesSend>,
    tx: &mut dyn SendMessageTx,
    message: MessageId,
    emoji: Option<Emoji>,
    clock: &dyn Clock,
) -> Result<AccountId, AboutMessageError> {
    let now = clock.now();
    let found = tx.message_to_send(message).await?.ok_or(AboutMessageError::NotFound)?;
    let conversation = found.conversation.ok_or(AboutMessageError::NotFound)?;
    let thread = tx.lock_thread(conversation).await?.ok_or(AboutMessageError::NotFound)?;
    check_thread(&thread)?;
    let wamid = found.wamid.filter(|_| now < found.sent_at + MAX_AGE).ok_or(AboutMessageError::Unsuitable)?;
    if thread.service_window_ends_at.is_none_or(|end| end <= now) {
        return Err(SendMessageError::WindowClosed(Vec::new()).into());
    }
    let content = Content::Reaction(OutboundReaction { wamid, emoji });
    let address = address(&thread)?;
    let body = message_json(&address, &content, None, None, &|_| None).map_err(SendMessageError::from)?;
    let sender = Sender::from(permit.actor());
    let send = about(&thread, (SendKind::Reaction, message), body, sender, clock);
    tx.insert_send(&send, now).await?;
    Ok(send.account)
}

/// Marks the customer's messages as read at Meta, where the account sends read receipts.
///
/// # Errors
/// [`AboutMessageError`].
pub async fn mark_read(
    permit: Permit<CrmWrite>,
    tx: &mut dyn SendMessageTx,
    conversation: ConversationId,
    clock: &dyn Clock,
) -> Result<Option<AccountId>, AboutMessageError> {
    let sender = Sender::from(permit.actor());
    tell_about_latest(tx, conversation, SendKind::ReadReceipt, sender, clock).await
}

/// Shows the customer that an answer is being typed, where the account sends read receipts: WhatsApp marks their messages as read by
/// it.
///
/// # Errors
/// [`AboutMessageError`].
pub async fn show_typing(
    permit: Permit<MessagesSend>,
    tx: &mut dyn SendMessageTx,
    conversation: ConversationId,
    clock: &dyn Clock,
) -> Result<Option<AccountId>, AboutMessageError> {
    let sender = Sender::from(permit.actor());
    tell_about_latest(tx, conversation, SendKind::Typing, sender, clock).await
}

/// Returns the account if anything is sent.
async fn tell_about_latest(
    tx: &mut dyn SendMessageTx,
    conversation: ConversationId,
    kind: SendKind,
    sender: Sender,
    clock: &dyn Clock,
) -> Result<Option<AccountId>, AboutMessageError> {
    let now = clock.now();
    let thread = tx.lock_thread(conversation).await?.ok_or(AboutMessageError::NotFound)?;
    if !thread.send_read_receipts || check_thread(&thread).is_err() {
        return Ok(None);
    }
    let Some((message, latest)) = tx.latest_inbound(conversation).await? else { return Ok(None) };
    let MessageToSend { wamid: Some(wamid), sent_at, .. } = latest else { return Ok(None) };
    if sent_at + MAX_AGE <= now {
        return Ok(None);
    }
    let body = if kind == SendKind::Typing { typing_json(&wamid) } else { read_receipt_json(&wamid) };
    let send = about(&thread, (kind, message), body, sender, clock);
    tx.insert_send(&send, now).await?;
    Ok(Some(send.account))
}

fn about(
    thread: &Thread,
    (kind, message): (SendKind, MessageId),
    body: String,
    sender: Sender,
    clock: &dyn Clock,
) -> NewSend {
    let recipient = match address(thread) {
        Ok(Address::Phone(text) | Address::Bsuid(text) | Address::Group(text)) => text,
        // A receipt names its message only.
        Err(_) => String::new(),
    };
    let lasts = if kind == SendKind::Typing { TYPING } else { USEFUL };
    NewSend {
        id: SendId::new(clock),
        kind,
        reply_to: None,
        account: thread.account,
        conversation: thread.conversation,
        message,
        priority: sender.priority(),
        send_at: None,
        send_before: clock.now() + lasts,
        on_unknown: OnUnknown::Fail,
        cancel_if_customer_writes: false,
        is_free_form: false,
        template: None,
        category: None,
        recipient,
        content: String::new(),
        body,
        client_ref: None,
        sender,
        trace: None,
    }
}
