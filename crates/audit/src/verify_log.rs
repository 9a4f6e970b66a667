use kernel::ids::{AuditRecordId, TenantId};
use kernel::seal::KeyRing;
use kernel::{AuditRead, Authorization, StoreError};

use crate::{AuditChainRepo, Seal};

/// The result of checking a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogVerification {
    /// The number of seals that were checked.
    pub sealed: u64,
    /// The number of records that wait for their seal.
    pub unsealed: u64,
    /// The end of the chain. Kept elsewhere, it reveals whether the end was cut off later.
    pub head: Option<Seal>,
    /// The first [`MAX_DAMAGE`] findings.
    pub damage: Vec<LogDamage>,
}

/// A manipulation of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogDamage {
    /// The record differs from the one that was sealed, or is at another position.
    Changed { sequence: i64, record: AuditRecordId },
    /// The record was sealed and no longer exists.
    Removed { sequence: i64, record: AuditRecordId },
    /// The seal with this sequence number was removed.
    Missing { sequence: i64 },
    /// The record was not inserted by the application.
    Inserted { record: AuditRecordId },
    /// The seal's key is not configured, so the record cannot be checked.
    UnknownKey { sequence: i64, record: AuditRecordId, key_id: String },
}

const BATCH: i64 = 1_000;
/// Bounds the size of the result.
const MAX_DAMAGE: usize = 100;

/// Checks all seals of the tenant's log, and looks for records that were inserted without one.
///
/// # Errors
/// [`StoreError`].
pub async fn verify_log(
    _by: Authorization<AuditRead>,
    repo: &mut dyn AuditChainRepo,
    tenant: TenantId,
    key_ring: &KeyRing,
) -> Result<LogVerification, StoreError> {
    let mut found = LogVerification::default();
    loop {
        let last = found.head.as_ref().map_or(0, |seal| seal.sequence);
        let batch = repo.sealed_audit_records(last, BATCH).await?;
        if batch.is_empty() {
            break;
        }
        for (seal, record) in batch {
            let expected = found.head.as_ref().map_or(0, |seal| seal.sequence) + 1;
            if seal.sequence != expected {
                found.note(LogDamage::Missing { sequence: expected });
            }
            let (sequence, id) = (seal.sequence, seal.record);
            match record.map(|record| seal.covers(key_ring, tenant, found.head.as_ref(), &record)) {
                Some(Some(true)) => {}
                // After a gap, the previous seal is unknown.
                Some(Some(false)) if seal.sequence != expected => {}
                Some(Some(false)) => found.note(LogDamage::Changed { sequence, record: id }),
                Some(None) => {
                    found.note(LogDamage::UnknownKey { sequence, record: id, key_id: seal.tag.key_id.clone() });
                }
                None => found.note(LogDamage::Removed { sequence, record: id }),
            }
            found.sealed += 1;
            found.head = Some(seal);
        }
    }
    found.unsealed = repo.count_unsealed_audit_records().await?;
    let limit = i64::try_from(MAX_DAMAGE).unwrap_or(i64::MAX);
    for record in repo.unsequenced_audit_records(limit).await? {
        found.note(LogDamage::Inserted { record });
    }
    Ok(found)
}

impl LogVerification {
    /// Whether there are no findings.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.damage.is_empty()
    }

    fn note(&mut self, damage: LogDamage) {
        if self.damage.len() < MAX_DAMAGE {
            self.damage.push(damage);
        }
    }
}
