//! Durable work: a tenant's jobs (`repo`), and the claim of what is due of all tenants (`ledger`).

mod ledger;
mod repo;
