//! `/platform`: operators' resources, which belong to no tenant or to all.

mod account_query;
pub(crate) mod audit_log;
pub(crate) mod invoices;
pub(crate) mod signing_keys;
pub(crate) mod tenants;
pub(crate) mod webhook_events;
pub(crate) mod whatsapp_accounts;
