//! Reads contacts, conversations, messages and interactions.

use kernel::ids::{AccountId, ContactId, ConversationId, MessageId};
use kernel::{CrmRead, Page, PageLimit, PageRequest, Permit, StoreError};

use crate::{
    Contact, ContactRepo, Conversation, ConversationFilter, ConversationRepo, Interaction, InteractionRepo, Message,
    MessageList, MessageParts, Titled,
};

/// # Errors
/// [`StoreError`].
pub async fn contacts(
    _permit: Permit<CrmRead>,
    repo: &mut dyn ContactRepo,
    page: &PageRequest,
) -> Result<Page<Contact>, StoreError> {
    repo.contacts(page).await
}

/// A contact. The id of a merged contact yields the contact into which it was merged.
///
/// # Errors
/// [`StoreError`].
pub async fn contact(
    _permit: Permit<CrmRead>,
    repo: &mut dyn ContactRepo,
    id: ContactId,
) -> Result<Option<Contact>, StoreError> {
    repo.contact(id).await
}

/// The history of a contact; `None` if the contact does not exist.
///
/// # Errors
/// [`StoreError`].
pub async fn interactions<Repo: ContactRepo + InteractionRepo + ?Sized>(
    _permit: Permit<CrmRead>,
    repo: &mut Repo,
    contact: ContactId,
    page: &PageRequest,
) -> Result<Option<Page<Titled<Interaction>>>, StoreError> {
    let Some(contact) = repo.contact(contact).await? else { return Ok(None) };
    let titled = |row| Titled { row, contact_title: contact.title() };
    Ok(Some(repo.interactions(contact.id, page).await?.map(titled)))
}

/// # Errors
/// [`StoreError`].
pub async fn conversations(
    _permit: Permit<CrmRead>,
    repo: &mut dyn ConversationRepo,
    filter: &ConversationFilter,
    page: &PageRequest,
) -> Result<Page<Conversation>, StoreError> {
    repo.conversations(filter, page).await
}

/// # Errors
/// [`StoreError`].
pub async fn conversation(
    _permit: Permit<CrmRead>,
    repo: &mut dyn ConversationRepo,
    id: ConversationId,
) -> Result<Option<Conversation>, StoreError> {
    repo.conversation(id).await
}

/// The messages of a conversation, revoked ones without their content; `None` if the conversation does not exist.
///
/// # Errors
/// [`StoreError`].
pub async fn messages(
    _permit: Permit<CrmRead>,
    repo: &mut dyn ConversationRepo,
    conversation: ConversationId,
    page: &PageRequest,
    parts: MessageParts,
) -> Result<Option<Page<Titled<Message>>>, StoreError> {
    let Some(Conversation { contact_title, .. }) = repo.conversation(conversation).await? else { return Ok(None) };
    let list = MessageList::OfConversation(conversation);
    Ok(Some(repo.messages(list, page, parts).await?.map(|message| titled(message, &contact_title))))
}

/// The messages of a contact in all of their conversations, or those with one account; `None` if the contact does not exist.
///
/// # Errors
/// [`StoreError`].
pub async fn messages_of_contact<Repo: ContactRepo + ConversationRepo + ?Sized>(
    _permit: Permit<CrmRead>,
    repo: &mut Repo,
    (contact, account): (ContactId, Option<AccountId>),
    page: &PageRequest,
    parts: MessageParts,
) -> Result<Option<Page<Titled<Message>>>, StoreError> {
    let Some(contact) = repo.contact(contact).await? else { return Ok(None) };
    let (list, title) = (MessageList::OfContact { contact: contact.id, account }, contact.title());
    Ok(Some(repo.messages(list, page, parts).await?.map(|message| titled(message, &title))))
}

/// One message; `None` if it does not exist, or is in a group.
///
/// # Errors
/// [`StoreError`].
pub async fn message<Repo: ConversationRepo + ?Sized>(
    repo: &mut Repo,
    id: MessageId,
    parts: MessageParts,
) -> Result<Option<Titled<Message>>, StoreError> {
    let page = PageRequest { limit: PageLimit::ONE, after: None };
    let Some(message) = repo.messages(MessageList::One(id), &page, parts).await?.items.pop() else { return Ok(None) };
    let conversation = repo.conversation(message.conversation).await?;
    Ok(conversation.map(|conversation| titled(message, &conversation.contact_title)))
}

fn titled(message: Message, contact_title: &str) -> Titled<Message> {
    Titled { row: message.without_revoked_content(), contact_title: contact_title.to_owned() }
}
