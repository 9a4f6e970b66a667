//! Postgres and RabbitMQ as containers of `cargo xtask run`.

use super::container::Container;
use super::service::{Backing, Service};
use super::{docker, rabbitmq};
use crate::error::Result;
use crate::store::Store;
use crate::{ports, probe, random};

pub(super) fn start_postgres(store: &mut Store) -> Result<Service> {
    let password = store.get_or("postgres_password", random::password)?;
    let port = ports::choose(store, "postgres_port", None)?;
    let image = docker::POSTGRES_FOR_RUN.name();
    // The directory is spelt out because newer images keep their data elsewhere by default.
    let data = "/var/lib/postgresql/data";
    let mut container = Container::new("postgres")?;
    let variables = [("POSTGRES_PASSWORD", password.as_str()), ("PGDATA", data)];
    container.start(&image, &format!("127.0.0.1:{port}:5432"), data, &variables)?;
    container.wait_until(|| probe::postgres(port).then_some(()))?;
    let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
    Ok(Service { url, backing: Backing::Container(container) })
}

pub(super) fn start_rabbitmq(store: &mut Store) -> Result<Service> {
    let password = store.get_or("amqp_password", random::password)?;
    let port = ports::choose(store, "amqp_port", None)?;
    let mut container = Container::new("rabbitmq")?;
    let variables = [("RABBITMQ_DEFAULT_USER", "parley"), ("RABBITMQ_DEFAULT_PASS", password.as_str())];
    container.start(
        &docker::RABBITMQ_FOR_RUN.name(),
        &format!("127.0.0.1:{port}:5672"),
        "/var/lib/rabbitmq",
        &variables,
    )?;
    let version = container.wait_until(|| probe::rabbitmq(port))?;
    rabbitmq::check_version(&version)?;
    let url = format!("amqp://parley:{password}@127.0.0.1:{port}/%2f");
    Ok(Service { url, backing: Backing::Container(container) })
}
