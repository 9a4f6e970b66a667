//! Queues of a test's own.

use lapin::options::{QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use rabbitmq::{Broker, BrokerConfig};

use super::meta::fresh_digits;
use super::services::services;
use super::wire::Wire;

pub(crate) fn fresh_namespace() -> String {
    format!("parley-test-{}", fresh_digits())
}

pub(crate) async fn broker(namespace: &str) -> Broker {
    broker_at(&services().await.amqp_url, namespace)
}

/// The same at the other end of a line that may lose what the broker says.
pub(crate) async fn over_a_wire(namespace: &str) -> (Wire, Broker) {
    let mut url = reqwest::Url::parse(&services().await.amqp_url).expect("the AMQP URL is one");
    let wire = Wire::to(format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5672))).await;
    url.set_ip_host(wire.address.ip()).unwrap();
    url.set_port(Some(wire.address.port())).unwrap();
    let broker = broker_at(url.as_str(), namespace);
    (wire, broker)
}

fn broker_at(url: &str, namespace: &str) -> Broker {
    Broker::new(&BrokerConfig { url: url.into(), namespace: namespace.to_owned() }).expect("the AMQP URL is one")
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
