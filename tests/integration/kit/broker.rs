//! A test's own queues.

use lapin::options::{QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use rabbitmq::{Broker, BrokerConfig, BrokerTls};

use super::lossy_proxy::LossyProxy;
use super::meta::fresh_digits;
use super::services::services;

pub(crate) fn fresh_namespace() -> String {
    format!("parley-test-{}", fresh_digits())
}

pub(crate) async fn broker(namespace: &str) -> Broker {
    broker_at(&services().await.amqp_url, namespace)
}

/// A broker behind a proxy that can drop the broker's responses.
pub(crate) async fn behind_lossy_proxy(namespace: &str) -> (LossyProxy, Broker) {
    let mut url = reqwest::Url::parse(&services().await.amqp_url).expect("the AMQP URL is valid");
    let proxy = LossyProxy::to(format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5672))).await;
    url.set_ip_host(proxy.address.ip()).unwrap();
    url.set_port(Some(proxy.address.port())).unwrap();
    let broker = broker_at(url.as_str(), namespace);
    (proxy, broker)
}

fn broker_at(url: &str, namespace: &str) -> Broker {
    let tls = BrokerTls::default();
    Broker::new(&BrokerConfig { url: url.into(), namespace: namespace.to_owned(), tls }).expect("the AMQP URL is valid")
}

/// Deletes the queues and their messages.
pub(crate) async fn delete(namespace: &str) {
    let broker = broker(namespace).await;
    let (_connection, channel) = broker.open("test").await.expect("the broker answers");
    broker.topology().delete(&channel).await.expect("the queues are deleted");
}

/// Deletes one queue and its messages.
pub(crate) async fn delete_queue(namespace: &str, queue: &str) {
    let (_connection, channel) = broker(namespace).await.open("test").await.expect("the broker answers");
    let name = format!("{namespace}.{queue}");
    channel.queue_delete(name.into(), QueueDeleteOptions::default()).await.expect("the queues are deleted");
}

/// Replaces the work queue by a classic queue without our arguments.
pub(crate) async fn replace_work_queue(namespace: &str) {
    let (_connection, channel) = broker(namespace).await.open("test").await.expect("the broker answers");
    let name = format!("{namespace}.inbound.v1");
    channel.queue_delete(name.as_str().into(), QueueDeleteOptions::default()).await.expect("the queues are deleted");
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let declared = channel.queue_declare(name.into(), durable, FieldTable::default()).await;
    declared.expect("the queue is declared");
}

/// Deletes the replaced queue, over the topology of another namespace.
pub(crate) async fn remove_replaced_queue(namespace: &str) {
    let elsewhere = broker(&format!("{namespace}.elsewhere")).await;
    let (_connection, channel) = elsewhere.open("test").await.expect("the broker answers");
    let name = format!("{namespace}.inbound.v1");
    channel.queue_delete(name.into(), QueueDeleteOptions::default()).await.expect("the queues are deleted");
    elsewhere.topology().delete(&channel).await.expect("the queues are deleted");
}

/// Unbinds the work queue, so that published messages are unroutable.
pub(crate) async fn unbind_work_queue(namespace: &str) {
    let (_connection, channel) = broker(namespace).await.open("test").await.expect("the broker answers");
    let (queue, exchange) = (format!("{namespace}.inbound.v1"), format!("{namespace}.inbound"));
    let unbound = channel.queue_unbind(queue.into(), exchange.into(), "event".into(), FieldTable::default()).await;
    unbound.expect("the queue is unbound");
}
