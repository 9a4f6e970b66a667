use audit::AuditRepo;
use crm::ConversationRepo;
use outbound::TemplateRepo;

use super::TemplateAccessTx;

/// What changing templates needs.
pub trait TemplateTx: TemplateRepo + AuditRepo {}

impl<T: TemplateRepo + AuditRepo + ?Sized> TemplateTx for T {}

/// What [`refresh_refusing_template`](crate::refresh_refusing_template) needs in its transaction.
pub trait RefreshTemplateTx: TemplateAccessTx + ConversationRepo {}

impl<T: TemplateAccessTx + ConversationRepo + ?Sized> RefreshTemplateTx for T {}
