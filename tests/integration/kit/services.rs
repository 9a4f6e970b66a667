//! One Postgres and one RabbitMQ for the whole run: those that the environment names, else containers.

use testcontainers::core::{IntoContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};
use tokio::sync::OnceCell;

/// Where the services are.
#[derive(Debug)]
pub(crate) struct Services {
    /// A superuser's way in.
    pub(crate) database_url: String,
    pub(crate) amqp_url: String,
    /// Containers live as long as the run; what removes them afterwards is `cargo xtask test`, by their label.
    _containers: Vec<ContainerAsync<GenericImage>>,
}

const PASSWORD: &str = "parley-test";

static SERVICES: OnceCell<Services> = OnceCell::const_new();

pub(crate) async fn services() -> &'static Services {
    SERVICES.get_or_init(find).await
}

async fn find() -> Services {
    let mut containers = Vec::new();
    let database_url = match std::env::var("PARLEY_TEST_DATABASE_URL") {
        Ok(url) => url,
        Err(_) => {
            let (container, port) = postgres().await;
            containers.push(container);
            format!("postgres://postgres:{PASSWORD}@127.0.0.1:{port}/postgres")
        }
    };
    let amqp_url = match std::env::var("PARLEY_TEST_AMQP_URL") {
        Ok(url) => url,
        Err(_) => {
            let (container, port) = rabbitmq().await;
            containers.push(container);
            format!("amqp://parley:{PASSWORD}@127.0.0.1:{port}/%2f")
        }
    };
    Services { database_url, amqp_url, _containers: containers }
}

async fn postgres() -> (ContainerAsync<GenericImage>, u16) {
    let ready = WaitFor::message_on_stderr("database system is ready to accept connections");
    let container = image("PARLEY_TEST_POSTGRES_IMAGE", "postgres:17")
        .with_exposed_port(5432.tcp())
        // The official image starts a server for itself first: the second time it says so, it is ours.
        .with_wait_for(ready.clone())
        .with_wait_for(ready)
        .with_env_var("POSTGRES_PASSWORD", PASSWORD)
        .with_cmd(["postgres", "-c", "max_connections=300", "-c", "fsync=off", "-c", "synchronous_commit=off"])
        .with_labels(label())
        .start()
        .await
        .expect("a Postgres container starts; or set PARLEY_TEST_DATABASE_URL");
    let port = container.get_host_port_ipv4(5432.tcp()).await.expect("the container publishes its port");
    (container, port)
}

async fn rabbitmq() -> (ContainerAsync<GenericImage>, u16) {
    let container = image("PARLEY_TEST_RABBITMQ_IMAGE", "rabbitmq:4")
        .with_exposed_port(5672.tcp())
        .with_wait_for(WaitFor::message_on_stdout("Server startup complete"))
        .with_env_var("RABBITMQ_DEFAULT_USER", "parley")
        .with_env_var("RABBITMQ_DEFAULT_PASS", PASSWORD)
        .with_labels(label())
        .start()
        .await
        .expect("a RabbitMQ container starts; or set PARLEY_TEST_AMQP_URL");
    let port = container.get_host_port_ipv4(5672.tcp()).await.expect("the container publishes its port");
    (container, port)
}

fn image(variable: &str, default: &str) -> GenericImage {
    let name = std::env::var(variable).unwrap_or_else(|_| default.to_owned());
    let (name, tag) = name.rsplit_once(':').unwrap_or((&name, "latest"));
    GenericImage::new(name, tag)
}

fn label() -> Option<(String, String)> {
    std::env::var("PARLEY_TEST_CONTAINER_LABEL").ok().map(|run| ("parley.test".to_owned(), run))
}
