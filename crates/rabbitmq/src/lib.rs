//! The broker adapter: topology, publisher with confirms, and consumer, on RabbitMQ with lapin.
//!
//! The queue carries ids only; the events are in the database. Losing a queue costs time, never an event. This crate
//! reconnects without limit and with growing delays; lapin's own recovery gives up after some minutes. Publishing and
//! consuming use separate connections, because a broker under alarm blocks publishers.

mod bells;
mod broker;
mod consumer;
mod error;
mod publisher;
mod requests;
mod topology;

pub use bells::{BellPublisher, BellRinger};
pub use broker::{Broker, BrokerConfig, BrokerTls, ClientIdentity};
pub use consumer::RabbitConsumer;
pub use error::BrokerError;
pub use publisher::RabbitPublisher;
pub use topology::{Queue, Topology};
