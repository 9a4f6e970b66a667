use kernel::{StoreError, TenantScope};

use crate::{Commit, Database, DirectoryTx, IntakeTx, OperatorTx, TenantTx};

/// Commits a transaction on `Ok` and rolls it back on `Err`. A refusal whose writes must persist is therefore an `Ok` that
/// contains the refusal.
///
/// # Errors
/// The outcome's own, or that of the commit.
pub async fn settle<Tx, T, E>(tx: Box<Tx>, outcome: Result<T, E>) -> Result<T, E>
where
    Tx: Commit + ?Sized,
    E: From<StoreError>,
{
    match outcome {
        Ok(value) => {
            tx.commit().await?;
            Ok(value)
        }
        Err(error) => {
            // The error of the outcome matters more than that of the rollback; a connection that cannot roll back is closed.
            let _ = tx.rollback().await;
            Err(error)
        }
    }
}

/// Runs `work` in a transaction that was begun, and settles it.
///
/// # Errors
/// That of `work`, or that of the commit.
pub async fn in_transaction<Tx, T, E>(mut tx: Box<Tx>, work: impl AsyncFnOnce(&mut Tx) -> Result<T, E>) -> Result<T, E>
where
    Tx: Commit + ?Sized,
    E: From<StoreError>,
{
    let outcome = work(&mut *tx).await;
    settle(tx, outcome).await
}

/// Each method begins a transaction, runs `work` in it, commits on `Ok` and rolls back on `Err`:
///
/// ```ignore
/// let page = database.in_tenant(access.scope(), async |tx| sessions(access, tx, &page, clock).await).await?;
/// ```
///
/// Their errors are that of `work`, or that of beginning or committing the transaction.
#[expect(clippy::missing_errors_doc, reason = "described once, above")]
impl dyn Database + '_ {
    /// A transaction on the data of one tenant.
    pub async fn in_tenant<T, E: From<StoreError>>(
        &self,
        scope: &TenantScope,
        work: impl AsyncFnOnce(&mut dyn TenantTx) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut tx = self.tenant(scope).await?;
        let outcome = work(&mut *tx).await;
        settle(tx, outcome).await
    }

    /// A transaction on the list of tenants and accounts.
    pub async fn in_directory<T, E: From<StoreError>>(
        &self,
        work: impl AsyncFnOnce(&mut dyn DirectoryTx) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut tx = self.directory().await?;
        let outcome = work(&mut *tx).await;
        settle(tx, outcome).await
    }

    /// A transaction on the webhook events of all tenants.
    pub async fn in_intake<T, E: From<StoreError>>(
        &self,
        work: impl AsyncFnOnce(&mut dyn IntakeTx) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut tx = self.intake().await?;
        let outcome = work(&mut *tx).await;
        settle(tx, outcome).await
    }

    /// A transaction on the deployment's data.
    pub async fn in_operator<T, E: From<StoreError>>(
        &self,
        work: impl AsyncFnOnce(&mut dyn OperatorTx) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut tx = self.operator().await?;
        let outcome = work(&mut *tx).await;
        settle(tx, outcome).await
    }
}
