use kernel::ids::{AuditRecordId, TenantId};
use kernel::seal::KeyRing;
use kernel::{AuditRead, By, StoreError};

use crate::{AuditChainRepo, Seal};

/// What became of a log since it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Seals that were looked at.
    pub sealed: u64,
    /// Records that wait for their seal.
    pub unsealed: u64,
    /// The end of the chain. Whoever keeps it can tell later whether the end was cut off.
    pub head: Option<Seal>,
    /// The first of what was found.
    pub damage: Vec<Damage>,
}

/// What somebody did to a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// It is not the record that was sealed, or not in that place.
    Changed { sequence: i64, record: AuditRecordId },
    /// It was sealed and is no longer there.
    Removed { sequence: i64, record: AuditRecordId },
    /// There is no seal with this number: it was removed.
    Missing { sequence: i64 },
    /// It did not come the way that records come.
    Inserted { record: AuditRecordId },
    /// It was sealed under a key that is not configured: nobody can say.
    UnknownKey { sequence: i64, record: AuditRecordId, key_id: String },
}

const BATCH: i64 = 1_000;
/// Enough to see what happened.
const MAX_DAMAGE: usize = 100;

/// Checks every seal of the tenant's log, and looks for records that have none.
///
/// # Errors
/// [`StoreError`].
pub async fn verify_log(
    _by: By<AuditRead>,
    repo: &mut dyn AuditChainRepo,
    tenant: TenantId,
    ring: &KeyRing,
) -> Result<Verification, StoreError> {
    let mut found = Verification::default();
    loop {
        let last = found.head.as_ref().map_or(0, |seal| seal.sequence);
        let batch = repo.sealed_audit_records(last, BATCH).await?;
        if batch.is_empty() {
            break;
        }
        for (seal, record) in batch {
            let expected = found.head.as_ref().map_or(0, |seal| seal.sequence) + 1;
            if seal.sequence != expected {
                found.note(Damage::Missing { sequence: expected });
            }
            let (sequence, id) = (seal.sequence, seal.record);
            match record.map(|record| seal.covers(ring, tenant, found.head.as_ref(), &record)) {
                Some(Some(true)) => {}
                // Behind a gap, nobody can say what the seal before was.
                Some(Some(false)) if seal.sequence != expected => {}
                Some(Some(false)) => found.note(Damage::Changed { sequence, record: id }),
                Some(None) => {
                    found.note(Damage::UnknownKey { sequence, record: id, key_id: seal.tag.key_id.clone() });
                }
                None => found.note(Damage::Removed { sequence, record: id }),
            }
            found.sealed += 1;
            found.head = Some(seal);
        }
    }
    found.unsealed = repo.count_unsealed_audit_records().await?;
    let limit = i64::try_from(MAX_DAMAGE).unwrap_or(i64::MAX);
    for record in repo.smuggled_audit_records(limit).await? {
        found.note(Damage::Inserted { record });
    }
    Ok(found)
}

impl Verification {
    /// Whether nothing was found.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.damage.is_empty()
    }

    fn note(&mut self, damage: Damage) {
        if self.damage.len() < MAX_DAMAGE {
            self.damage.push(damage);
        }
    }
}
