//! `/billing`: plans, subscription, usage and invoices.

pub(crate) mod invoices;
mod midnight;
mod money;
pub(crate) mod payment;
pub(crate) mod plans;
pub(crate) mod subscription;
pub(crate) mod usage;
