use audit::{AuditChainRepo, Log, PurgeRecordsError, PurgeRepo, SummarisedRecords, summarise_records};
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use kernel::ids::TenantId;
use kernel::seal::KeyRing;
use kernel::{Clock, StoreError, TenantScope};

use super::replace_records::replace_records;
use crate::{Database, settle};

/// Tenants that are read at once.
const TENANTS: i32 = 1_000;
/// Records purged in one transaction.
const RECORDS: i64 = 1_000;
/// Transactions of one run.
const CHUNKS: usize = 50;

/// What a run did.
#[derive(Debug, Default)]
pub struct AuditPurge {
    /// The number of purged records.
    pub records: i64,
    /// The logs of which nothing more is purged, with the reason. `None` if it is not known which logs have old records.
    pub failures: Vec<(Option<Log>, PurgeRecordsError)>,
    /// Whether old records may be left after the limit of one run.
    pub is_incomplete: bool,
}

/// Replaces sealed records of all audit logs by summaries, once they are older than `keep` at the start of the day (UTC): so a log
/// is purged once a day at most. A log that is damaged is not purged from there on, and does not stop the others.
///
/// The operators' log records each purge, in the same transaction.
pub async fn purge_audit_logs(
    database: &dyn Database,
    ring: &KeyRing,
    clock: &dyn Clock,
    keep: TimeDelta,
) -> AuditPurge {
    let before = (clock.now() - keep).date_naive().and_time(NaiveTime::MIN).and_utc();
    let mut purger = Purger { database, ring, clock, before, chunks: 0, run: AuditPurge::default() };
    purger.purge_log(Log::Platform).await;
    let mut last = None;
    while !purger.run.is_incomplete {
        let tenants = match purger.tenants(last).await {
            Ok(tenants) => tenants,
            Err(error) => {
                purger.run.failures.push((None, error.into()));
                break;
            }
        };
        for tenant in &tenants {
            purger.purge_log(Log::Tenant(*tenant)).await;
        }
        last = tenants.last().copied();
        if i32::try_from(tenants.len()) != Ok(TENANTS) {
            break;
        }
    }
    purger.run
}

struct Purger<'a> {
    database: &'a dyn Database,
    ring: &'a KeyRing,
    clock: &'a dyn Clock,
    before: DateTime<Utc>,
    chunks: usize,
    run: AuditPurge,
}

impl Purger<'_> {
    async fn tenants(&self, after: Option<TenantId>) -> Result<Vec<TenantId>, StoreError> {
        let mut tx = self.database.operator().await?;
        let outcome = PurgeRepo::tenants_with_old_records(&mut *tx, self.before, after, TENANTS).await;
        settle(tx, outcome).await
    }

    async fn purge_log(&mut self, log: Log) {
        loop {
            if self.chunks == CHUNKS {
                self.run.is_incomplete = true;
                return;
            }
            match self.purge_chunk(log).await {
                Ok(0) => return,
                Ok(records) => {
                    self.chunks += 1;
                    self.run.records += records;
                }
                Err(error) => {
                    self.run.failures.push((Some(log), error));
                    return;
                }
            }
        }
    }

    /// The log is read with the rights of its tenant, and purged with those of the deployment: neither role has both.
    async fn purge_chunk(&self, log: Log) -> Result<i64, PurgeRecordsError> {
        let Some(records) = self.summarise(log).await? else { return Ok(0) };
        let mut tx = self.database.operator().await?;
        let outcome = replace_records(&mut *tx, log, &records, self.before, self.clock).await;
        Ok(settle(tx, outcome).await?)
    }

    async fn summarise(&self, log: Log) -> Result<Option<SummarisedRecords>, PurgeRecordsError> {
        match log {
            Log::Tenant(tenant) => {
                let mut tx = self.database.tenant(&scope(tenant)).await?;
                let outcome = self.summarise_in(&mut *tx).await;
                settle(tx, outcome).await
            }
            Log::Platform => {
                let mut tx = self.database.operator().await?;
                let outcome = self.summarise_in(&mut *tx).await;
                settle(tx, outcome).await
            }
        }
    }

    async fn summarise_in(
        &self,
        repo: &mut dyn AuditChainRepo,
    ) -> Result<Option<SummarisedRecords>, PurgeRecordsError> {
        summarise_records(repo, self.ring, self.before, RECORDS).await
    }
}

#[expect(clippy::disallowed_methods, reason = "the tenant has records that are to be purged")]
const fn scope(tenant: TenantId) -> TenantScope {
    TenantScope::mint(tenant)
}
