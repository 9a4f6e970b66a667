//! The database port, and the use cases that span domains
