use actix_web::web;
use audit::{LogDamage, LogSummary, LogVerification, verify_log};
use chrono::{DateTime, Utc};
use kernel::ids::AuditRecordId;
use kernel::{AuditRead, Grant as _};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Allow;
use crate::problem::Problem;
use crate::state::State;
use crate::tags;

/// Result of verifying an audit log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditVerification)]
pub(crate) struct VerificationBody {
    /// Whether no damage was found.
    valid: bool,
    /// Number of records whose seal was checked.
    #[schema(example = 42)]
    sealed: u64,
    /// Number of records that are not sealed yet.
    #[schema(example = 0)]
    unsealed: u64,
    /// Number of sealed records that were written without a MAC, by a version of Parley that made none. Until they were
    /// sealed, a change would not have been noticed.
    #[schema(example = 0)]
    unsigned: u64,
    /// The old records that were deleted after `retention.audit_days`, of which only this summary is left. The chain goes on
    /// after them. Left out if none were deleted, or if the summary is damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    summarised: Option<SummaryBody>,
    /// The end of the chain. Keep it to detect later whether records were cut off the end. Null while nothing is
    /// sealed.
    #[schema(required)]
    head: Option<HeadBody>,
    /// The damage found, up to 100 entries.
    damage: Vec<DamageBody>,
}

/// What is left of deleted audit records.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditSummary)]
pub(crate) struct SummaryBody {
    /// The number of deleted records.
    #[schema(example = 1200)]
    records: i64,
    /// How many of them had been written without a MAC.
    #[schema(example = 0)]
    unsigned: i64,
    /// How many of them had been sealed as forged.
    #[schema(example = 0)]
    forged: i64,
    /// The position of the last deleted record.
    #[schema(example = 1200)]
    last_sequence: i64,
    /// The hash of its seal, hexadecimal. A `head` that was kept can be compared with it.
    #[schema(example = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")]
    last_hash: String,
    /// When the first of them was written.
    first_at: DateTime<Utc>,
    /// When the last of them was written.
    last_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditHead)]
pub(crate) struct HeadBody {
    #[schema(example = 42)]
    sequence: i64,
    /// Hexadecimal.
    #[schema(example = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")]
    hash: String,
}

/// Damage to one record of the log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditDamage)]
pub(crate) struct DamageBody {
    kind: DamageKindBody,
    /// The position in the chain. Null if the record is not sealed.
    #[schema(required)]
    sequence: Option<i64>,
    /// Null if the seal is missing, and for the summary of deleted records.
    #[schema(required)]
    record_id: Option<Uuid>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditDamageKind)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DamageKindBody {
    /// The record differs from the one that was sealed.
    Changed,
    /// The record was sealed, or waited for its seal, and is missing.
    Removed,
    /// The seal with this number is missing.
    Missing,
    /// The record was not inserted by the application.
    Inserted,
    /// The record was sealed or signed with a key that is not configured, so it cannot be checked.
    UnknownKey,
    /// The record was inserted or changed by other means than the application before it was sealed. Without a
    /// `record_id`: the summary of deleted records was.
    Forged,
}

/// Verify the audit log
///
/// Checks the seal of each record, and so detects records that were changed, removed or added directly in the database, also
/// before they were sealed.
#[utoipa::path(
    get,
    path = "/audit-log/verify",
    operation_id = "verifyAuditLog",
    tag = tags::AUDIT,
    security(("bearer" = [AuditRead::PERMISSION])),
    responses((status = 200, description = "Result of the verification", body = VerificationBody)),
)]
pub(crate) async fn verify(
    allow: Allow<AuditRead>,
    state: web::Data<State>,
) -> Result<web::Json<VerificationBody>, Problem> {
    let _read = state.limits.expensive_read(allow.scope()).await?;
    let found = state.in_tenant(allow, async |permit, tx| verify_log(permit.into(), tx, &state.key_ring).await).await?;
    Ok(web::Json(found.into()))
}

impl From<LogVerification> for VerificationBody {
    fn from(found: LogVerification) -> Self {
        Self {
            valid: found.is_clean(),
            sealed: found.sealed,
            unsealed: found.unsealed,
            unsigned: found.unsigned,
            summarised: found.summarised.map(SummaryBody::from),
            head: found.head.map(|seal| HeadBody { sequence: seal.sequence, hash: hex::encode(&seal.tag.bytes) }),
            damage: found.damage.into_iter().map(DamageBody::from).collect(),
        }
    }
}

impl From<LogSummary> for SummaryBody {
    fn from(LogSummary { covered, mac: _ }: LogSummary) -> Self {
        Self {
            records: covered.records,
            unsigned: covered.unsigned,
            forged: covered.forged,
            last_sequence: covered.sequence,
            last_hash: hex::encode(&covered.hash),
            first_at: covered.first_at,
            last_at: covered.last_at,
        }
    }
}

impl From<LogDamage> for DamageBody {
    fn from(damage: LogDamage) -> Self {
        let (kind, sequence, record) = match damage {
            LogDamage::Changed { sequence, record } => (DamageKindBody::Changed, Some(sequence), Some(record)),
            LogDamage::Removed { sequence, record } => (DamageKindBody::Removed, sequence, Some(record)),
            LogDamage::Missing { sequence } => (DamageKindBody::Missing, Some(sequence), None),
            LogDamage::Inserted { record } => (DamageKindBody::Inserted, None, Some(record)),
            LogDamage::Forged { sequence, record } => (DamageKindBody::Forged, sequence, Some(record)),
            LogDamage::ForgedSummary { sequence } => (DamageKindBody::Forged, Some(sequence), None),
            LogDamage::UnknownSummaryKey { sequence, .. } => (DamageKindBody::UnknownKey, Some(sequence), None),
            LogDamage::UnknownKey { sequence, record, .. } => (DamageKindBody::UnknownKey, sequence, Some(record)),
        };
        Self { kind, sequence, record_id: record.map(AuditRecordId::as_uuid) }
    }
}
