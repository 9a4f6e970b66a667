use audit::AuditRepo;
use billing::SentUsageRepo;
use channels::{AccountCredentialsRepo, AccountRepo};
use crm::inbox::InboxTx;
use crm::{ContactTx, ConversationTx};
use jobs::JobRepo;
use media::{MediaAtMetaRepo, MediaRepo};
use outbound::{PauseRepo, SendRepo, SenderRepo, TemplateRepo};

use crate::IdempotencyRepo;

/// What decides whether a message can be sent.
pub trait SendFactsTx: SendRepo + TemplateRepo + MediaRepo {}

impl<T: SendRepo + TemplateRepo + MediaRepo + ?Sized> SendFactsTx for T {}

/// What changing a message that is to be sent needs.
pub trait SendMessageTx: SendFactsTx + ConversationTx + AuditRepo {}

impl<T: SendFactsTx + ConversationTx + AuditRepo + ?Sized> SendMessageTx for T {}

/// What storing messages to be sent needs.
pub trait StoreSendsTx: SendFactsTx + AccountRepo + ContactTx + IdempotencyRepo {}

impl<T: SendFactsTx + AccountRepo + ContactTx + IdempotencyRepo + ?Sized> StoreSendsTx for T {}

/// What a sender needs.
pub trait SenderTx:
    SenderRepo + PauseRepo + InboxTx + SentUsageRepo + AccountCredentialsRepo + MediaAtMetaRepo + JobRepo
{
}

impl<T: SenderRepo + PauseRepo + InboxTx + SentUsageRepo + AccountCredentialsRepo + MediaAtMetaRepo + JobRepo + ?Sized>
    SenderTx for T
{
}
