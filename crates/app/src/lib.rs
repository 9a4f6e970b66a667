//! The parley binary: configuration, HTTP API and wiring
