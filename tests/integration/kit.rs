//! Test support: servers, databases, clients, the API's response bodies, and Meta's deliveries.

pub(crate) mod api;
pub(crate) mod app;
pub(crate) mod backlog;
pub(crate) mod broker;
pub(crate) mod bulk_data;
pub(crate) mod certificates;
pub(crate) mod client;
pub(crate) mod customer;
pub(crate) mod database;
pub(crate) mod deploy_files;
pub(crate) mod deployment;
pub(crate) mod fault_setup;
pub(crate) mod load;
pub(crate) mod lossy_proxy;
pub(crate) mod meta;
pub(crate) mod metric_series;
pub(crate) mod operators;
pub(crate) mod prometheus;
pub(crate) mod reconciliation;
pub(crate) mod service_control;
pub(crate) mod services;
pub(crate) mod settings;
pub(crate) mod tls_proxy;
pub(crate) mod token_forger;
pub(crate) mod users;
pub(crate) mod wait;
