use std::collections::HashMap;

use crm::{ConversationRepo, DeliveryStep, Message, MessageParts, Titled};
use kernel::ids::MessageId;
use kernel::{Clock, CrmRead, DeliveryStatus, Origin, Page, Permit, StoreError};
use media::{Media, MediaRepo};
use outbound::{Attempt, MessageStatus, SendError, SendRepo, StoredSend, When, classify};
use whatsapp::GraphError;

/// A message, its send if Parley sends it, and its file.
#[derive(Clone, Debug)]
pub struct OutboundMessage {
    pub message: Titled<Message>,
    pub send: Option<StoredSend>,
    pub file: Option<Media>,
}

/// Adds their sends and files to messages.
///
/// # Errors
/// [`StoreError`].
pub async fn with_sends<Repo: SendRepo + MediaRepo + ?Sized>(
    repo: &mut Repo,
    messages: Page<Titled<Message>>,
    clock: &dyn Clock,
) -> Result<Page<OutboundMessage>, StoreError> {
    let is_sent = |message: &&Titled<Message>| message.row.origin == Origin::Api;
    let ids: Vec<MessageId> = messages.items.iter().filter(is_sent).map(|message| message.row.id).collect();
    let mut sends = repo.sends_of(&ids, clock.now()).await?;
    let has_file = |message: &&Titled<Message>| message.row.media.is_some() || message.row.origin == Origin::Api;
    let ids: Vec<MessageId> = messages.items.iter().filter(has_file).map(|message| message.row.id).collect();
    let mut files: HashMap<MessageId, Media> =
        if ids.is_empty() { HashMap::new() } else { repo.media_of_messages(&ids).await?.into_iter().collect() };
    Ok(messages.map(|message| {
        let file = files.remove(&message.row.id).filter(|_| message.row.revoked_at.is_none());
        // What the message's row says, as its statuses were read with it, and not with the send.
        let delivery = message.row.delivery;
        let send = sends.remove(&message.row.id).map(|send| StoredSend { delivery, ..send });
        OutboundMessage { message, send, file }
    }))
}

/// One message; `None` if it does not exist, or is in a group.
///
/// # Errors
/// [`StoreError`].
pub async fn outbound_message<Repo: ConversationRepo + MediaRepo + SendRepo + ?Sized>(
    repo: &mut Repo,
    id: MessageId,
    parts: MessageParts,
    clock: &dyn Clock,
) -> Result<Option<OutboundMessage>, StoreError> {
    let Some(message) = crm::message(repo, id, parts).await? else { return Ok(None) };
    let page = Page::whole(vec![message]);
    Ok(with_sends(repo, page, clock).await?.items.pop())
}

/// Why a message was not sent, or not delivered: the error of its last failed status counts if Meta had accepted it.
#[must_use]
pub fn send_error(send: &StoredSend, steps: &[DeliveryStep]) -> Option<SendError> {
    match send.status() {
        MessageStatus::Failed if send.delivery == Some(DeliveryStatus::Failed) => {
            let failed = steps.iter().rev().find(|step| step.status == DeliveryStatus::Failed.into_str());
            let reported = failed.and_then(|step| GraphError::of_status(step.payload.as_deref()?));
            let error = reported.unwrap_or_default();
            let verdict = classify(&error, When::Status);
            Some(SendError {
                code: error.code,
                class: verdict.class.into_str().to_owned(),
                title: verdict.title.to_owned(),
                advice: verdict.advice.to_owned(),
            })
        }
        MessageStatus::Sent | MessageStatus::Delivered | MessageStatus::Read | MessageStatus::Accepted => None,
        _ => send.error.clone(),
    }
}

/// The calls that were made to send a message, oldest first; `None` if it was not sent by Parley.
///
/// # Errors
/// [`StoreError`].
pub async fn attempts<Repo: SendRepo + ?Sized>(
    _permit: Permit<CrmRead>,
    repo: &mut Repo,
    message: MessageId,
    clock: &dyn Clock,
) -> Result<Option<Vec<Attempt>>, StoreError> {
    match repo.sends_of(&[message], clock.now()).await?.remove(&message) {
        Some(send) => Ok(Some(repo.send_attempts(send.id).await?)),
        None => Ok(None),
    }
}
