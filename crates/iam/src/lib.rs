//! Tenants, users and passwords
