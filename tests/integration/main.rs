//! Integration tests: real Postgres, real RabbitMQ, the real server. One module per behaviour; what they stand on is in
//! [`kit`]. `cargo xtask test` provides the services.

// A test awaits the start of a whole server, which awaits everything that it is made of.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod kit;

mod admission;
mod alerts;
mod audit;
mod billing;
mod catalogue;
mod channels;
mod check;
mod command_line;
mod connections;
mod crm;
mod dead_letters;
mod faults;
mod housekeeping;
mod http;
mod idempotency;
mod identity;
mod inbox;
mod intake;
mod login_storm;
mod login_time;
mod meta_app_routing;
mod meta_apps;
mod observability;
mod operators;
mod process;
mod provisioning;
mod queue;
mod rbac;
mod reading;
mod refresh;
mod refused_tokens;
mod registration;
mod roles;
mod row_level_security;
mod sessions;
mod signing_keys;
mod spoofing;
mod tenants;
mod throttle;
mod token_cost;
mod token_processes;
mod transactions;
mod users;
mod walk;
mod webhooks;
mod whatsapp;
