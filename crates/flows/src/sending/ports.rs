use audit::AuditRepo;
use billing::SentUsageRepo;
use crm::ConversationTx;
use crm::inbox::InboxTx;
use outbound::{SendRepo, SenderRepo};

/// What sending a message needs.
pub trait SendMessageTx: SendRepo + ConversationTx + AuditRepo {}

impl<T: SendRepo + ConversationTx + AuditRepo + ?Sized> SendMessageTx for T {}

/// What a sender needs.
pub trait SenderTx: SenderRepo + InboxTx + SentUsageRepo {}

impl<T: SenderRepo + InboxTx + SentUsageRepo + ?Sized> SenderTx for T {}
