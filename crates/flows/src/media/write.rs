use kernel::{Clock, StoreError, TenantScope};
use media::{NewObject, ObjectKey, ObjectStoreError, ObjectWriter, Reservation, Sha256};

use crate::{Database, settle};

/// Why bytes did not become an object.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Objects(#[from] ObjectStoreError),
    /// Bytes with this hash are being deleted: to be tried again in a few seconds.
    #[error("bytes with this hash are being deleted")]
    BeingDeleted,
}

/// An object whose bytes were written, but which cannot be read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectWrite {
    pub sha256: Sha256,
    pub size: u64,
}

impl ObjectWrite {
    /// Makes the object visible, unless the tenant has it already. Then `confirm_object` is to be called in the transaction that stores the
    /// row of its file.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn publish(
        self,
        database: &dyn Database,
        scope: &TenantScope,
        writer: Box<dyn ObjectWriter>,
        clock: &dyn Clock,
    ) -> Result<(), WriteError> {
        let object = NewObject { sha256: self.sha256, size: self.size };
        let reserved = match database.tenant(scope).await {
            Ok(mut tx) => {
                let reserved = tx.reserve_object(&object, clock.now()).await;
                settle(tx, reserved).await
            }
            Err(error) => Err(error),
        };
        match reserved {
            Ok(Reservation::Write) => Ok(writer.finish(&ObjectKey::whole(scope.tenant(), self.sha256)).await?),
            Ok(Reservation::Exists) => {
                writer.abort().await;
                Ok(())
            }
            Ok(Reservation::BeingDeleted) => {
                writer.abort().await;
                Err(WriteError::BeingDeleted)
            }
            Err(error) => {
                writer.abort().await;
                Err(error.into())
            }
        }
    }
}
