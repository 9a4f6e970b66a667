//! The tenant's WhatsApp numbers and Meta apps.

pub(crate) mod change_whatsapp_account;
pub(crate) mod check_whatsapp_account;
pub(crate) mod meta_apps;
pub(crate) mod resume_whatsapp_account;
pub(crate) mod sending_state;
pub(crate) mod whatsapp_accounts;
