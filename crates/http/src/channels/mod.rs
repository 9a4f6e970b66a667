//! The tenant's WhatsApp numbers and Meta apps.

pub(crate) mod meta_apps;
pub(crate) mod whatsapp_accounts;
