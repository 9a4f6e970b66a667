//! Access tokens, refresh sessions and signing keys
