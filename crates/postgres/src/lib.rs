//! The database adapter: every repository, transactions, roles and migrations, on Postgres with Diesel.
//!
//! [`Postgres`] hands out transactions. A transaction *is* the repositories: the ports of tenant data are implemented for
//! `Tx<Tenant>` only, those of the deployment for `Tx<Platform>` only, so the wrong one does not compile. The only way to
//! a `Tx<Tenant>` sets the tenant for row level security, in the round trip that begins the transaction; the setting ends
//! with the transaction, so a pooled connection never carries it on.
//!
//! The modules mirror the domains file for file. Statements that work on a whole batch are SQL over `UNNEST` arrays, see
//! [`sql`]; the rest is Diesel's query builder.

mod access;
mod audit;
mod billing;
mod crm;
mod database;
mod error;
mod functions;
mod iam;
mod idempotency;
mod inbound;
mod inspection;
mod keyset;
mod login_lookup;
mod metrics;
mod migrate;
mod pool;
mod rbac;
mod roles;
mod schema;
mod sql;
mod start_session;
mod system_roles;
mod tokens;
mod transaction;

pub use database::{ConnectError, LOCK_TIMEOUT, PoolSizes, Postgres, PostgresConfig};
pub use inspection::{DatabaseLogin, DatabaseProblem, DatabaseRole, inspect};
pub use metrics::describe as describe_metrics;
pub use migrate::{AdminUrls, MigrateError, MigrationReport, MigrationUrls, migrate};
pub use roles::RoleProblem;
