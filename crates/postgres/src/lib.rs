//! The database adapter: every repository, transactions, roles, migrations and SQL functions, on Postgres with Diesel.
//!
//! [`Postgres`] hands out transactions. A transaction *is* the repositories: the ports of tenant data are implemented for
//! `Tx<Tenant>` only, those of the deployment for `Tx<Platform>` only, so using the wrong one does not compile. Beginning a
//! `Tx<Tenant>` sets the tenant for row level security, in the same round trip. The setting ends with the transaction, so a
//! pooled connection does not keep it.
//!
//! All connections are opened by the module `connect`, encrypted as their URL says (`database_url`, `tls`).
//!
//! The modules mirror the domains file for file. Single rows are read and written with Diesel's query builder and its derived
//! `Queryable`, `Insertable` and `AsChangeset`. Sets of rows, locks and function calls are SQL text, see the module `sql`;
//! what several statements bind alike is bound by a function. No macro builds a statement.
//!
//! # Adding a table
//!
//! Example: tags of contacts.
//!
//! 1. `migrations/<date>_tags/up.sql` creates the table and protects it. Its primary key starts with the tenant, and its foreign
//!    keys contain it:
//!    ```sql
//!    CREATE TABLE contact_tags (
//!      tenant_id  uuid NOT NULL,
//!      contact_id uuid NOT NULL,
//!      tag        text NOT NULL,
//!      PRIMARY KEY (tenant_id, contact_id, tag),
//!      FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id) ON DELETE CASCADE
//!    );
//!    SELECT app.protect_tenant_table('contact_tags', 'SELECT, INSERT, DELETE');
//!    ```
//!    `down.sql` drops it. A table of the deployment has no tenant and is given to the platform role by `app.open_to_platform`.
//! 2. `schema.rs`: its columns, if the query builder uses it.
//! 3. `tests/integration/row_level_security.rs` and `catalogue.rs`: a row for the isolation test, and the lists of tables, if the
//!    table deviates from the rules there. They fail until this is done.
//!
//! # Adding a repository
//!
//! 1. The domain declares the port: `crates/crm/src/ports.rs`, `trait TagRepo: Send`.
//! 2. The file of the same subject implements it here: `src/crm/tag.rs`, `impl TagRepo for Tx<Tenant>`. Each statement names
//!    the tenant (`.filter(contact_tags::tenant_id.eq(self.tenant_id()))`), so that indexes are used; row level security checks it
//!    again. Errors become [`kernel::StoreError`] by `.or_store_error()`.
//! 3. `flows::TenantTx` lists the port, so that use cases can ask for it.
//!
//! # Adding or changing an SQL function
//!
//! A function is worth it where one statement must set the tenant, read and decide in a single round trip, where a role needs one
//! fact of rows that it may not read (`SECURITY DEFINER`), or where an index or a policy calls it.
//!
//! 1. `functions/<name>.sql`: `CREATE OR REPLACE FUNCTION app.<name>(...)`, with `SET search_path = pg_catalog, pg_temp` and qualified
//!    names,
//!    then `REVOKE ... FROM PUBLIC, parley_app, parley_platform` and the grants. No migration: `parley migrate` applies the files
//!    that differ from the database, after the migrations. If a migration needs the function (an index, a policy, a generated
//!    column, a trigger), that migration creates it, too.
//! 2. `functions.rs` lists the file. `tests/integration/catalogue.rs` lists `SECURITY DEFINER` functions with their callers.
//! 3. A changed signature needs `DROP FUNCTION IF EXISTS app.<name>(<old types>);` at the start of the file. Servers of the previous
//!    version call the old signature until they are replaced: use a new name, and drop the old function in a later release.
//! 4. A function that decides something has a specification in Rust and a property test that compares both: see
//!    `flows::StartSessionState` and `session_start_outcome_equals_specification`.

mod access;
mod api_key_access;
mod audit;
mod billing;
mod closed_set;
mod connect;
mod crm;
mod database;
mod database_url;
mod error;
mod functions;
mod grouped_reads;
mod iam;
mod idempotency;
mod inbound;
mod inspection;
mod jobs;
mod keyset;
mod login_lookup;
mod media;
mod metrics;
mod migrate;
mod outbound;
mod pool;
mod rbac;
mod roles;
mod schema;
mod sql;
mod start_session;
mod system_roles;
mod templates;
mod tenants;
mod tls;
mod tokens;
mod transaction;

pub use connect::ConnectFailure;
pub use database::{ConnectError, LOCK_TIMEOUT, PoolSizes, Postgres, PostgresConfig};
pub use database_url::DatabaseUrlError;
pub use inspection::{DatabaseLogin, DatabaseProblem, DatabaseRole, inspect};
pub use metrics::describe as describe_metrics;
pub use migrate::{AdminUrls, MigrateError, MigrationReport, MigrationUrls, migrate};
pub use roles::RoleProblem;
