//! The broker adapter: topology, publisher with confirms, and consumer, on RabbitMQ with lapin.
//!
//! The broker carries ids only; the database is the truth. Losing a queue costs time, never an event. Each connection is
//! kept alive here, for ever and with growing pauses, rather than by lapin, whose recovery gives up after some minutes.
//! Publishing and consuming have connections of their own, because a broker under alarm blocks publishers.

mod broker;
mod publisher;
mod source;
mod topology;

pub use broker::{Broker, BrokerConfig, BrokerError};
pub use publisher::RabbitPublisher;
pub use source::RabbitSource;
pub use topology::{Queue, Topology};
