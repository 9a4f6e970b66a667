//! One Postgres and one RabbitMQ for the whole run: from the environment, or in containers.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use diesel_async::{AsyncConnection, AsyncPgConnection};
use futures_util::FutureExt;
use testcontainers::core::{ContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt};
use tokio::sync::OnceCell;

use super::wait;

/// The addresses of the services.
#[derive(Debug)]
pub(crate) struct Services {
    /// A superuser's URL.
    pub(crate) database_url: String,
    pub(crate) amqp_url: String,
    /// Containers live as long as the run; `cargo xtask test` removes them by their label.
    _containers: Vec<ContainerAsync<GenericImage>>,
}

const PASSWORD: &str = "parley-test";

static SERVICES: OnceCell<Option<Services>> = OnceCell::const_new();

/// Looked up once: if they are unavailable, later tests fail at once.
pub(crate) async fn services() -> &'static Services {
    let services = SERVICES.get_or_init(|| AssertUnwindSafe(Box::pin(find())).catch_unwind().map(Result::ok)).await;
    services.as_ref().expect("the services are unavailable; the first failed test says why")
}

async fn find() -> Services {
    let mut containers = Vec::new();
    let database_url = if let Ok(url) = std::env::var("PARLEY_TEST_DATABASE_URL") {
        url
    } else {
        let (container, address) = start(postgres_image(), POSTGRES_PORT).await;
        containers.push(container);
        format!("postgres://postgres:{PASSWORD}@{address}/postgres")
    };
    // The official image also prints its ready line for the server it starts during initialization.
    wait::until("Postgres to take connections", async || AsyncPgConnection::establish(&database_url).await.ok()).await;
    let amqp_url = if let Ok(url) = std::env::var("PARLEY_TEST_AMQP_URL") {
        url
    } else {
        let (container, address) = start(rabbitmq_image(), RABBITMQ_PORT).await;
        containers.push(container);
        format!("amqp://guest:guest@{address}/%2f")
    };
    Services { database_url, amqp_url, _containers: containers }
}

const POSTGRES_PORT: ContainerPort = ContainerPort::Tcp(5432);
const RABBITMQ_PORT: ContainerPort = ContainerPort::Tcp(5672);

fn postgres_image() -> ContainerRequest<GenericImage> {
    image("PARLEY_TEST_POSTGRES_IMAGE", "postgres:17")
        .with_exposed_port(POSTGRES_PORT)
        .with_wait_for(WaitFor::message_on_stderr("database system is ready to accept connections"))
        .with_env_var("POSTGRES_PASSWORD", PASSWORD)
        .with_cmd(["-c", "max_connections=300", "-c", "fsync=off", "-c", "synchronous_commit=off"])
}

fn rabbitmq_image() -> ContainerRequest<GenericImage> {
    image("PARLEY_TEST_RABBITMQ_IMAGE", "rabbitmq:4")
        .with_exposed_port(RABBITMQ_PORT)
        .with_wait_for(WaitFor::message_on_stdout("Server startup complete"))
        .with_startup_timeout(Duration::from_mins(2))
}

/// Starts a container and returns it with its address as `host:port`.
async fn start(image: ContainerRequest<GenericImage>, port: ContainerPort) -> (ContainerAsync<GenericImage>, String) {
    let run = std::env::var("PARLEY_TEST_CONTAINER_LABEL").unwrap_or_default();
    let container =
        image.with_label("parley.test", run).start().await.expect(
            "the container starts; to use other services set PARLEY_TEST_DATABASE_URL and PARLEY_TEST_AMQP_URL",
        );
    let host = container.get_host().await.expect("the container has a host");
    let port = container.get_host_port_ipv4(port).await.expect("the container publishes its port");
    (container, format!("{host}:{port}"))
}

fn image(variable: &str, default: &str) -> GenericImage {
    let name = std::env::var(variable).unwrap_or_else(|_| default.to_owned());
    let (name, tag) = name.rsplit_once(':').unwrap_or((&name, "latest"));
    GenericImage::new(name, tag)
}
