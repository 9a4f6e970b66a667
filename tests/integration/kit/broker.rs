//! Queues of a test's own.

use lapin::options::{QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
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

/// Removes one queue, with what is in it.
pub(crate) async fn delete_queue(namespace: &str, queue: &str) {
    let (_connection, channel) = broker(namespace).await.open("test").await.expect("the broker answers");
    let name = format!("{namespace}.{queue}");
    channel.queue_delete(name.into(), QueueDeleteOptions::default()).await.expect("queues can be deleted");
}

/// Puts another queue in the place of the one that ids are published to: of the classic kind, and without our arguments.
pub(crate) async fn replace_work_queue(namespace: &str) {
    let (_connection, channel) = broker(namespace).await.open("test").await.expect("the broker answers");
    let name = format!("{namespace}.inbound.v1");
    channel.queue_delete(name.as_str().into(), QueueDeleteOptions::default()).await.expect("queues can be deleted");
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let declared = channel.queue_declare(name.into(), durable, FieldTable::default()).await;
    declared.expect("queues can be declared");
}

/// Removes that one, from a place where it is in nobody's way.
pub(crate) async fn remove_replaced_queue(namespace: &str) {
    let elsewhere = broker(&format!("{namespace}.elsewhere")).await;
    let (_connection, channel) = elsewhere.open("test").await.expect("the broker answers");
    let name = format!("{namespace}.inbound.v1");
    channel.queue_delete(name.into(), QueueDeleteOptions::default()).await.expect("queues can be deleted");
    elsewhere.topology().delete(&channel).await.expect("queues can be deleted");
}

/// What is published is for no queue any more.
pub(crate) async fn unbind_work_queue(namespace: &str) {
    let (_connection, channel) = broker(namespace).await.open("test").await.expect("the broker answers");
    let (queue, exchange) = (format!("{namespace}.inbound.v1"), format!("{namespace}.inbound"));
    let unbound = channel.queue_unbind(queue.into(), exchange.into(), "event".into(), FieldTable::default()).await;
    unbound.expect("queues can be unbound");
}
