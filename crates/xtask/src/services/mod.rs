//! Postgres and RabbitMQ: those given by the environment, else containers, else private instances. Each of the two is
//! settled by itself, and each runs as long as its [`Service`] value lives.

pub(crate) mod container;
pub(crate) mod docker;
pub(crate) mod packages;
mod postgres;
mod private;
mod rabbitmq;
pub(crate) mod test_containers;

use crate::database_url::DatabaseUrl;
use crate::error::Result;
use crate::store::Store;
use container::Container;
use docker::Engine;
pub(crate) use postgres::Durability;
use private::Daemon;
pub(crate) use private::foreground;
use rustix::process::Signal;
use std::path::Path;

/// A service that runs as long as this value lives.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) url: String,
    backing: Backing,
}

#[derive(Debug)]
enum Backing {
    /// Not ours: neither watched nor stopped.
    Given,
    Container(Container),
    Daemon(Daemon),
}

impl Service {
    fn given(url: String) -> Self {
        Self { url, backing: Backing::Given }
    }

    /// What became of it, when it is no longer running.
    pub(crate) fn ended(&mut self) -> Option<String> {
        match &mut self.backing {
            Backing::Daemon(daemon) => daemon.ended(),
            Backing::Given | Backing::Container(_) => None,
        }
    }

    /// Ends it by another signal than the one that is kind to it.
    pub(crate) fn end_by(self, signal: Signal) {
        if let Backing::Daemon(daemon) = self.backing {
            daemon.end_by(signal);
        }
    }

    pub(crate) fn description(&self) -> String {
        match &self.backing {
            Backing::Given => "as given by the environment".to_owned(),
            Backing::Container(container) => format!("container {}", container.name()),
            Backing::Daemon(daemon) => format!("private instance, log in {}", daemon.log().display()),
        }
    }
}

/// Postgres for `cargo xtask run`; its URL is a superuser's.
pub(crate) fn postgres_for_run(store: &mut Store, engine: &Engine) -> Result<Service> {
    if let Some(url) = given("DATABASE_URL") {
        // Refused now instead of after the build.
        DatabaseUrl::parse(&url)?;
        return Ok(Service::given(url));
    }
    match engine.provides(&docker::POSTGRES_FOR_RUN) {
        Ok(()) => container::start_postgres(store),
        Err(reason) => {
            note_private("Postgres", &reason);
            postgres_private(store, Durability::Kept)
        }
    }
}

/// RabbitMQ for `cargo xtask run`.
pub(crate) fn rabbitmq_for_run(store: &mut Store, engine: &Engine) -> Result<Service> {
    if let Some(url) = given("AMQP_URL") {
        return Ok(Service::given(url));
    }
    match engine.provides(&docker::RABBITMQ_FOR_RUN) {
        Ok(()) => container::start_rabbitmq(store),
        Err(reason) => {
            note_private("RabbitMQ", &reason);
            rabbitmq_private(store)
        }
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

/// A URL from the environment; an empty one counts as unset, as compose files and CI systems produce them.
pub(crate) fn given(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|url| !url.is_empty())
}

fn note_private(what: &str, why_no_container: &str) {
    println!("{what}: a private instance ({why_no_container})");
}
