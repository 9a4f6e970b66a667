use audit::{
    AuditChainRepo, Log, SealRecordsError, SealedRecords, UnsealableRecord, UnsealedDirectory, UnsignedRecords,
    seal_records, unsigned_records,
};
use kernel::ids::TenantId;
use kernel::seal::KeyRing;
use kernel::{Clock, StoreError, TenantScope};

use crate::{Database, settle};

/// Tenants that are read at once.
const TENANTS: i64 = 1_000;
/// Records sealed in one transaction.
const RECORDS: i64 = 500;

/// What a run did.
#[derive(Debug, Default)]
pub struct SealingRun {
    pub sealed: SealedRecords,
    /// The logs in which records were sealed as forged, with their number.
    pub forged: Vec<(Log, usize)>,
    /// The logs in which records stay unsealed, with the reason. `None` if it is not known which logs have any.
    pub failures: Vec<(Option<Log>, SealingFailure)>,
}

/// Why records stay unsealed.
#[derive(Debug, thiserror::Error)]
pub enum SealingFailure {
    #[error(transparent)]
    Seal(#[from] SealRecordsError),
    #[error("record {record} was signed with the key-encryption key {key_id:?}, which is not configured")]
    UnknownKey { record: String, key_id: String },
    #[error("record {record} was removed before it was sealed")]
    Removed { record: String },
}

/// Seals the unsealed records of all audit logs. Any number of processes may do so. A log whose records cannot be sealed does not
/// stop the others.
pub async fn seal_audit_logs(database: &dyn Database, ring: &KeyRing, clock: &dyn Clock) -> SealingRun {
    let mut sealer = Sealer { database, ring, clock, run: SealingRun::default() };
    let unsigned = sealer.seal_platform_log().await;
    let mut last = None;
    loop {
        let tenants = match sealer.tenants(last).await {
            Ok(tenants) => tenants,
            Err(error) => {
                sealer.run.failures.push((None, SealingFailure::Seal(error.into())));
                break;
            }
        };
        for tenant in &tenants {
            sealer.seal_log(Log::Tenant(*tenant), unsigned).await;
        }
        last = tenants.last().copied();
        if i64::try_from(tenants.len()) != Ok(TENANTS) {
            break;
        }
    }
    sealer.run
}

struct Sealer<'a> {
    database: &'a dyn Database,
    ring: &'a KeyRing,
    clock: &'a dyn Clock,
    run: SealingRun,
}

impl Sealer<'_> {
    /// Comes first: the first seal of this log decides about records without a MAC in all logs.
    async fn seal_platform_log(&mut self) -> UnsignedRecords {
        let unsigned = self.unsigned().await;
        if self.seal_log(Log::Platform, unsigned).await == 0 { unsigned } else { self.unsigned().await }
    }

    async fn unsigned(&mut self) -> UnsignedRecords {
        match self.read_unsigned().await {
            Ok(unsigned) => unsigned,
            Err(error) => {
                self.run.failures.push((Some(Log::Platform), SealingFailure::Seal(error.into())));
                UnsignedRecords::Undecided
            }
        }
    }

    async fn read_unsigned(&self) -> Result<UnsignedRecords, StoreError> {
        let mut tx = self.database.operator().await?;
        let outcome = unsigned_records(&mut *tx, self.ring, self.clock.now()).await;
        settle(tx, outcome).await
    }

    async fn tenants(&self, after: Option<TenantId>) -> Result<Vec<TenantId>, StoreError> {
        let mut tx = self.database.directory().await?;
        let outcome = UnsealedDirectory::tenants_with_unsealed_records(&mut *tx, after, TENANTS).await;
        settle(tx, outcome).await
    }

    /// Returns the number of sealed records.
    async fn seal_log(&mut self, log: Log, unsigned: UnsignedRecords) -> usize {
        let mut sealed = SealedRecords::default();
        let failure = loop {
            match self.seal_batch(log, unsigned).await {
                Ok((batch, unsealable)) => {
                    sealed.add(batch);
                    if i64::try_from(batch.total()) != Ok(RECORDS) {
                        break unsealable.map(SealingFailure::from);
                    }
                }
                Err(error) => break Some(error.into()),
            }
        };
        self.run.sealed.add(sealed);
        if sealed.forged > 0 {
            self.run.forged.push((log, sealed.forged));
        }
        self.run.failures.extend(failure.map(|failure| (Some(log), failure)));
        sealed.total()
    }

    async fn seal_batch(
        &self,
        log: Log,
        unsigned: UnsignedRecords,
    ) -> Result<(SealedRecords, Option<UnsealableRecord>), SealRecordsError> {
        match log {
            Log::Tenant(tenant) => {
                let mut tx = self.database.tenant(&scope(tenant)).await?;
                let outcome = self.seal(&mut *tx, unsigned).await;
                settle(tx, outcome).await
            }
            Log::Platform => {
                let mut tx = self.database.operator().await?;
                let outcome = self.seal(&mut *tx, unsigned).await;
                settle(tx, outcome).await
            }
        }
    }

    /// Also returns a record that cannot be sealed, if there is one.
    async fn seal(
        &self,
        repo: &mut dyn AuditChainRepo,
        unsigned: UnsignedRecords,
    ) -> Result<(SealedRecords, Option<UnsealableRecord>), SealRecordsError> {
        let sealed = seal_records(repo, self.ring, unsigned, self.clock.now(), RECORDS).await?;
        let key_ids: Vec<&str> = self.ring.ids().collect();
        let unsealable = repo.unsealable_audit_records(&key_ids, 1).await?;
        Ok((sealed, unsealable.into_iter().next()))
    }
}

impl From<UnsealableRecord> for SealingFailure {
    fn from(UnsealableRecord { record, key_id }: UnsealableRecord) -> Self {
        let record = record.to_string();
        match key_id {
            Some(key_id) => Self::UnknownKey { record, key_id },
            None => Self::Removed { record },
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the tenant has records that are to be sealed")]
const fn scope(tenant: TenantId) -> TenantScope {
    TenantScope::mint(tenant)
}
