//! Queues of a test's own.

use rabbitmq::{Broker, BrokerConfig};

use super::meta::fresh_digits;
use super::services::services;

pub(crate) fn fresh_namespace() -> String {
    format!("parley-test-{}", fresh_digits())
}

pub(crate) async fn broker(namespace: &str) -> Broker {
    let url = services().await.amqp_url.as_str().into();
    Broker::new(&BrokerConfig { url, namespace: namespace.to_owned() }).expect("the AMQP URL is one")
}

/// Removes the queues, with what is in them.
pub(crate) async fn delete(namespace: &str) {
    let broker = broker(namespace).await;
    let (_connection, channel) = broker.open("test").await.expect("the broker answers");
    broker.topology().delete(&channel).await.expect("queues can be deleted");
}
