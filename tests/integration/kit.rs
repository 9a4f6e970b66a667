//! What the tests stand on.

pub(crate) mod app;
pub(crate) mod broker;
pub(crate) mod client;
pub(crate) mod crowd;
pub(crate) mod customer;
pub(crate) mod database;
pub(crate) mod deployment;
pub(crate) mod forge;
pub(crate) mod load;
pub(crate) mod machine;
pub(crate) mod measure;
pub(crate) mod meta;
pub(crate) mod operators;
pub(crate) mod people;
pub(crate) mod prometheus;
pub(crate) mod reckoning;
pub(crate) mod runbook;
pub(crate) mod series;
pub(crate) mod servers;
pub(crate) mod services;
pub(crate) mod stage;
pub(crate) mod wait;
pub(crate) mod wire;
