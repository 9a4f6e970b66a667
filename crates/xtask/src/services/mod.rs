//! Postgres and RabbitMQ: those given by the environment, else containers, else private instances. Each of the two is
//! settled by itself, and each runs as long as its [`Service`] value lives.

pub(crate) mod container;
mod container_services;
pub(crate) mod docker;
mod environment;
pub(crate) mod packages;
mod postgres;
mod private;
mod rabbitmq;
mod service;
pub(crate) mod test_containers;

use crate::database_url::DatabaseUrl;
use crate::error::Result;
use crate::store::Store;
use docker::Engine;
pub(crate) use environment::given;
pub(crate) use postgres::Durability;
pub(crate) use private::foreground;
pub(crate) use service::Service;
use std::path::Path;

/// Postgres for `cargo xtask run`; its URL is a superuser's.
pub(crate) fn postgres_for_run(store: &mut Store, engine: &Engine) -> Result<Service> {
    if let Some(url) = given("DATABASE_URL") {
        // Refused now instead of after the build.
        DatabaseUrl::parse(&url)?;
        return Ok(Service::given(url));
    }
    match engine.provides(&docker::POSTGRES_FOR_RUN) {
        Ok(()) => container_services::start_postgres(store),
        Err(_no_container) => postgres_private(store, Durability::Kept),
    }
}

/// RabbitMQ for `cargo xtask run`.
pub(crate) fn rabbitmq_for_run(store: &mut Store, engine: &Engine) -> Result<Service> {
    if let Some(url) = given("AMQP_URL") {
        return Ok(Service::given(url));
    }
    match engine.provides(&docker::RABBITMQ_FOR_RUN) {
        Ok(()) => container_services::start_rabbitmq(store),
        Err(_no_container) => rabbitmq_private(store),
    }
}

pub(crate) fn postgres_private(store: &mut Store, durability: Durability) -> Result<Service> {
    postgres::start(store, durability)
}

pub(crate) fn rabbitmq_private(store: &mut Store) -> Result<Service> {
    rabbitmq::start(store)
}

/// Kills the broker below `directory` at once, as the machine's out-of-memory killer would.
pub(crate) fn kill_rabbitmq(directory: &Path) {
    rabbitmq::kill(directory);
}

/// What an operator's command says about, or does to, the private broker.
pub(crate) fn rabbitmqctl(store: &Store, arguments: &[&str]) -> Result<String> {
    rabbitmq::control(store, arguments)
}

/// Ends private instances below `directory` that outlived the command that started them.
pub(crate) fn stop_leftovers(directory: &Path) -> bool {
    let postgres = postgres::stop_leftover(directory);
    let rabbitmq = rabbitmq::stop_leftover(directory);
    postgres || rabbitmq
}
