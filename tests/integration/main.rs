//! Integration tests with real Postgres, real RabbitMQ and the real server: one module per behaviour, shared support in
//! [`kit`]. `cargo xtask test` provides the services.

// Tests await the start of a whole server, a deeply nested future.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod kit;

mod account_credentials;
mod alerts;
mod amqp_tls;
mod api_keys;
mod audit;
mod auth;
mod authorization;
mod billing;
mod catalogue;
mod channels;
mod check;
mod command_line;
mod connections;
mod crm;
mod dead_letters;
mod documentation;
mod fairness;
mod faults;
mod handbook;
mod http;
mod http_semantics;
mod idempotency;
mod inbox;
mod intake;
mod jobs;
mod limits;
mod lists;
mod media;
mod meta_app_routing;
mod meta_apps;
mod observability;
mod openapi_examples;
mod operators;
mod postgres_tls;
mod process;
mod property_based_client;
mod provisioning;
mod queue;
mod rate_limit;
mod rbac;
mod refresh;
mod refused_tokens;
mod registration;
mod retention;
mod roles;
mod row_level_security;
mod sending;
mod session_start;
mod sessions;
mod signing_keys;
mod slow_events;
mod specified_rules;
mod spoofing;
mod templates;
mod tenants;
mod token_commands;
mod token_processes;
mod transactions;
mod users;
mod webhooks;
mod whatsapp;
