//! The loops that run beside requests: relay and worker
