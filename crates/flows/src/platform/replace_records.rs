use audit::{Action, Log, PlatformAuditRepo, Principal, PurgeRepo, Record, RequestOrigin, SummarisedRecords, target};
use chrono::{DateTime, Utc};
use kernel::{Clock, StoreError};

/// Writes the summary of purged records and the record that says so.
pub trait PurgeAuditTx: PurgeRepo + PlatformAuditRepo {}

impl<T: PurgeRepo + PlatformAuditRepo + ?Sized> PurgeAuditTx for T {}

/// Replaces records of a log by their summary, and records that in the operators' log. Returns the number of purged records.
pub(super) async fn replace_records(
    tx: &mut dyn PurgeAuditTx,
    log: Log,
    records: &SummarisedRecords,
    before: DateTime<Utc>,
    clock: &dyn Clock,
) -> Result<i64, StoreError> {
    let purged = tx.purge_audit_records(log, records, before).await?;
    if purged > 0 {
        let record = Record::new(Principal::System, RequestOrigin::default(), Action::AuditLogPurged, clock);
        let record = match log {
            Log::Tenant(tenant) => record.about(target::TENANT, &tenant),
            Log::Platform => record.about(target::AUDIT_LOG, &"platform"),
        };
        let covered = &records.summary.covered;
        let record = record
            .with("records", purged)
            .with("last_sequence", covered.sequence)
            .with("last_hash", hex::encode(&covered.hash))
            .with("before", before.to_rfc3339());
        tx.append_platform_audit_record(&record).await?;
    }
    Ok(purged)
}
