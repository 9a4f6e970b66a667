//! Metrics of the pools.

use metrics::{Unit, describe_gauge, describe_histogram};

pub(crate) const CONNECTIONS: &str = "parley_db_pool_connections";
pub(crate) const WAIT: &str = "parley_db_pool_wait_seconds";

/// Registers the descriptions; call once, after the recorder was installed.
pub fn describe() {
    describe_gauge!(CONNECTIONS, "Connections to the database, by pool and state: used, idle, or waited for");
    describe_histogram!(WAIT, Unit::Seconds, "From asking a pool for a connection to having one, or to giving up");
}
