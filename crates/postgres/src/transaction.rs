use std::sync::Arc;

use async_trait::async_trait;
use diesel_async::methods::ExecuteDsl;
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, TransactionManager};
use flows::{Commit, DirectoryTx, IntakeTx, OperatorTx, TenantTx};
use kernel::ids::TenantId;
use kernel::seal::KeyRing;
use kernel::{StoreError, TenantScope};
use uuid::Uuid;

use crate::error::{OrStoreError, store_error};
use crate::pool::{Connection, ConnectionPool};
use crate::sql::Prepared;

/// Scope of a transaction on one tenant's data, as the role `parley_app`.
#[derive(Debug)]
pub(crate) struct Tenant(TenantId);

impl Tenant {
    pub(crate) const fn id(&self) -> TenantId {
        self.0
    }
}

/// Scope of a transaction on data of the deployment, as the role `parley_platform`.
#[derive(Debug)]
pub(crate) struct Platform;

/// An open transaction. Its scope determines which repositories it implements.
///
/// If dropped without commit or rollback, its connection is closed.
#[must_use = "a transaction is committed or rolled back; dropping it costs its connection"]
pub(crate) struct Tx<Scope> {
    connection: Connection,
    scope: Scope,
    /// For MACs of audit records and hashes of erased identities.
    key_ring: Arc<KeyRing>,
}

impl Tx<Tenant> {
    /// Begins and sets the tenant, in one round trip. The id is a typed UUID, so it is safe to format into the statement.
    pub(crate) async fn begin(
        pool: &ConnectionPool,
        key_ring: &Arc<KeyRing>,
        scope: &TenantScope,
    ) -> Result<Self, StoreError> {
        let tenant = scope.tenant();
        let begin = format!("BEGIN; SELECT app.begin_tenant('{tenant}')");
        Self::begin_with(pool, key_ring, &begin, Tenant(tenant)).await
    }

    /// The tenant of the transaction, for explicit predicates in addition to row level security.
    pub(crate) const fn tenant_id(&self) -> Uuid {
        self.scope.id().as_uuid()
    }
}

impl Tx<Platform> {
    pub(crate) async fn begin(pool: &ConnectionPool, key_ring: &Arc<KeyRing>) -> Result<Self, StoreError> {
        Self::begin_with(pool, key_ring, "BEGIN; SELECT app.begin_tenant(NULL)", Platform).await
    }
}

impl<Scope> Tx<Scope> {
    async fn begin_with(
        pool: &ConnectionPool,
        key_ring: &Arc<KeyRing>,
        begin: &str,
        scope: Scope,
    ) -> Result<Self, StoreError> {
        let mut connection = pool.get().await?;
        if let Err(error) = AnsiTransactionManager::begin_transaction_sql(&mut *connection, begin).await {
            // Its state is unknown: do not return it to the pool.
            drop(Connection::take(connection));
            return Err(store_error(error));
        }
        Ok(Self { connection, scope, key_ring: Arc::clone(key_ring) })
    }

    pub(crate) fn key_ring(&self) -> &KeyRing {
        &self.key_ring
    }

    pub(crate) const fn scope(&self) -> &Scope {
        &self.scope
    }

    pub(crate) fn connection(&mut self) -> &mut AsyncPgConnection {
        &mut self.connection
    }

    /// Runs a constant statement and returns the number of affected rows.
    pub(crate) async fn execute<Q>(&mut self, statement: Q) -> Result<usize, StoreError>
    where
        Prepared<Q>: ExecuteDsl<AsyncPgConnection> + Send,
    {
        RunQueryDsl::execute(Prepared(statement), self.connection()).await.or_store_error()
    }
}

#[async_trait]
impl<Scope: Send> Commit for Tx<Scope> {
    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        AnsiTransactionManager::commit_transaction(&mut *self.connection).await.or_store_error()
    }

    async fn rollback(mut self: Box<Self>) -> Result<(), StoreError> {
        AnsiTransactionManager::rollback_transaction(&mut *self.connection).await.or_store_error()
    }
}

impl TenantTx for Tx<Tenant> {}
impl DirectoryTx for Tx<Platform> {}
impl IntakeTx for Tx<Platform> {}
impl OperatorTx for Tx<Platform> {}
