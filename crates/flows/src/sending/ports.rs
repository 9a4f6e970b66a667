use audit::AuditRepo;
use billing::SentUsageRepo;
use channels::{AccountCredentialsRepo, AccountRepo};
use crm::inbox::InboxTx;
use crm::{ContactTx, ConversationTx};
use jobs::JobRepo;
use media::{MediaAtMetaRepo, MediaRepo};
use outbound::{PauseRepo, SendRepo, SenderRepo, TemplateRepo};

/// What sending a message needs.
pub trait SendMessageTx: SendRepo + ConversationTx + TemplateRepo + AuditRepo + MediaRepo {}

impl<T: SendRepo + ConversationTx + TemplateRepo + AuditRepo + MediaRepo + ?Sized> SendMessageTx for T {}

/// What sending a message to a person needs.
pub trait SendToTx: SendMessageTx + AccountRepo + ContactTx {}

impl<T: SendMessageTx + AccountRepo + ContactTx + ?Sized> SendToTx for T {}

/// What a sender needs.
pub trait SenderTx:
    SenderRepo + PauseRepo + InboxTx + SentUsageRepo + AccountCredentialsRepo + MediaAtMetaRepo + JobRepo
{
}

impl<T: SenderRepo + PauseRepo + InboxTx + SentUsageRepo + AccountCredentialsRepo + MediaAtMetaRepo + JobRepo + ?Sized>
    SenderTx for T
{
}
