use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use crm::identity::GivenIdentity;
use kernel::ids::{AccountId, ContactId, ConversationId};
use kernel::{MessagesSend, Permit, StoreError};

use super::{MessageRequest, OutboundMessage, SendMessageError};
use crate::{IdempotencyError, KeyedRequest, StoredResponse};

/// What a caller wants to be sent, and where.
#[derive(Debug)]
pub struct SendRequest {
    pub permit: Permit<MessagesSend>,
    pub destination: Destination,
    pub message: MessageRequest,
    /// The idempotency key, if there is one.
    pub key: Option<KeyedRequest>,
    pub render: RenderMessage,
}

/// Makes the response, which is stored with the idempotency key.
pub type RenderMessage = fn(OutboundMessage) -> Result<StoredResponse, Box<dyn Error + Send + Sync>>;

/// Where a message goes.
#[derive(Clone, Debug)]
pub enum Destination {
    Conversation(ConversationId),
    /// The open conversation with a person, or a new one. A person who is not known becomes a contact.
    Person(AccountId, Recipient),
}

/// To whom a message goes.
#[derive(Clone, Debug)]
pub enum Recipient {
    Contact(ContactId),
    /// A phone number, as a user writes it.
    Phone(GivenIdentity),
    /// Meta's id of a person for the business.
    Bsuid(String),
}

/// The response to a stored request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendAnswer {
    pub response: StoredResponse,
    /// It repeats the response to an earlier request with the same idempotency key.
    pub is_replayed: bool,
    /// The account whose sender is to be woken, if a message was stored.
    pub account: Option<AccountId>,
}

/// Why a request was not stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreSendError {
    /// Too many requests wait to be stored.
    #[error("too many requests wait to be stored")]
    Busy,
    /// The result is unknown.
    #[error("storing the request was interrupted")]
    CutOff,
    #[error("the request was not stored")]
    NotStored(#[source] Arc<StoreError>),
    #[error(transparent)]
    Refused(#[from] SendMessageError),
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
}

/// Stores requests to send, those that wait at the same time in one transaction, and wakes the senders.
#[async_trait]
pub trait SendStore: Send + Sync {
    /// Returns after the message was committed, or was refused. Dropping the future does not cancel the store.
    async fn store(&self, request: SendRequest) -> Result<SendAnswer, StoreSendError>;
}

impl SendRequest {
    /// About how many bytes it has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.message.content_json.len()
    }

    /// Whether both have one idempotency key: then at most one of them is carried out.
    pub(super) fn has_key_of(&self, other: &Self) -> bool {
        self.key.as_ref().zip(other.key.as_ref()).is_some_and(|(one, other)| one.has_key_of(other))
    }
}
