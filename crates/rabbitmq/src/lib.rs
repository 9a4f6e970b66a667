//! Adapter: topology, confirmed publisher and consumer, on RabbitMQ with lapin
