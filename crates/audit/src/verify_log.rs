use kernel::ids::AuditRecordId;
use kernel::seal::KeyRing;
use kernel::{AuditRead, Authorization, Operator, StoreError};

use crate::{AuditChainRepo, Log, LogSummary, Provenance, Seal, UnsealableRecord};

/// The result of checking a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogVerification {
    /// The number of seals that were checked.
    pub sealed: u64,
    /// The number of records that wait for their seal.
    pub unsealed: u64,
    /// The number of sealed records without a MAC that was checked: those of versions that made none.
    pub unsigned: u64,
    /// The records that were purged, of which only this is left. The chain begins after them. `None` if none were, or if the
    /// summary is damaged.
    pub summarised: Option<LogSummary>,
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
    /// The record was sealed, or waited for its seal, and no longer exists.
    Removed { sequence: Option<i64>, record: AuditRecordId },
    /// The seal with this sequence number was removed.
    Missing { sequence: i64 },
    /// The record was not inserted by the application.
    Inserted { record: AuditRecordId },
    /// The record's MAC did not match when it was sealed, or does not match while it waits for its seal: the application did not
    /// write it, or it was changed since.
    Forged { sequence: Option<i64>, record: AuditRecordId },
    /// The MAC of the summary of purged records does not match: the summary was changed, or the application did not make it.
    ForgedSummary { sequence: i64 },
    /// The key of that MAC is not configured.
    UnknownSummaryKey { sequence: i64, key_id: String },
    /// The key of the seal, or of the MAC of an unsealed record, is not configured, so the record cannot be checked.
    UnknownKey { sequence: Option<i64>, record: AuditRecordId, key_id: String },
}

const BATCH: i64 = 1_000;
/// Bounds the size of the result.
const MAX_DAMAGE: usize = 100;

/// Checks all seals of the tenant's log and the MACs of its unsealed records, and looks for records that were inserted without
/// either.
///
/// # Errors
/// [`StoreError`].
pub async fn verify_log(
    _by: Authorization<AuditRead>,
    repo: &mut dyn AuditChainRepo,
    key_ring: &KeyRing,
) -> Result<LogVerification, StoreError> {
    verify(repo, key_ring).await
}

/// The same for the operators' log.
///
/// # Errors
/// [`StoreError`].
pub async fn verify_platform_log(
    _operator: Operator,
    repo: &mut dyn AuditChainRepo,
    key_ring: &KeyRing,
) -> Result<LogVerification, StoreError> {
    verify(repo, key_ring).await
}

pub(crate) async fn verify(repo: &mut dyn AuditChainRepo, key_ring: &KeyRing) -> Result<LogVerification, StoreError> {
    loop {
        let mut found = LogVerification::default();
        let summary = repo.audit_summary().await?;
        verify_summary(summary.clone(), repo.log(), key_ring, &mut found);
        verify_seals(repo, key_ring, &mut found).await?;
        verify_unsealed(repo, key_ring, &mut found).await?;
        // What was purged meanwhile looks like damage.
        if found.is_clean() || repo.audit_summary().await? == summary {
            return Ok(found);
        }
    }
}

/// A summary that is not genuine is not used: the chain then begins with a gap.
fn verify_summary(summary: Option<LogSummary>, log: Log, key_ring: &KeyRing, found: &mut LogVerification) {
    let Some(summary) = summary else { return };
    let sequence = summary.covered.sequence;
    match summary.is_genuine(key_ring, log) {
        Some(true) => found.summarised = Some(summary),
        Some(false) => found.note(LogDamage::ForgedSummary { sequence }),
        None => found.note(LogDamage::UnknownSummaryKey { sequence, key_id: summary.mac.key_id }),
    }
}

async fn verify_seals(
    repo: &mut dyn AuditChainRepo,
    key_ring: &KeyRing,
    found: &mut LogVerification,
) -> Result<(), StoreError> {
    let log = repo.log();
    // The position and the tag that the next seal follows.
    let summarised = found.summarised.as_ref().map(|summary| &summary.covered);
    let start = summarised.map_or(0, |summary| summary.sequence);
    let mut previous = summarised.map(|summary| (summary.sequence, summary.hash.clone()));
    let mut read = 0;
    loop {
        let batch = repo.sealed_audit_records(read, BATCH).await?;
        if batch.is_empty() {
            return Ok(());
        }
        for (seal, record) in batch {
            read = seal.sequence;
            if seal.sequence <= start {
                // The application deletes what it summarises.
                found.note(LogDamage::Inserted { record: seal.record });
                continue;
            }
            let expected = previous.as_ref().map_or(0, |(sequence, _)| *sequence) + 1;
            if seal.sequence != expected {
                found.note(LogDamage::Missing { sequence: expected });
            }
            let (sequence, id) = (seal.sequence, seal.record);
            let hash = previous.as_ref().map(|(_, hash)| hash.as_slice());
            match record.map(|record| seal.covers_after(key_ring, log, hash, &record)) {
                Some(Some(true)) => {
                    if seal.provenance == Some(Provenance::Forged) {
                        found.note(LogDamage::Forged { sequence: Some(sequence), record: id });
                    }
                }
                // After a gap, the previous seal is unknown.
                Some(Some(false)) if seal.sequence != expected => {}
                Some(Some(false)) => found.note(LogDamage::Changed { sequence, record: id }),
                Some(None) => {
                    let key_id = seal.tag.key_id.clone();
                    found.note(LogDamage::UnknownKey { sequence: Some(sequence), record: id, key_id });
                }
                None => found.note(LogDamage::Removed { sequence: Some(sequence), record: id }),
            }
            found.sealed += 1;
            found.unsigned += u64::from(matches!(seal.provenance, None | Some(Provenance::Unsigned)));
            previous = Some((sequence, seal.tag.bytes.clone()));
            found.head = Some(seal);
        }
    }
}

async fn verify_unsealed(
    repo: &mut dyn AuditChainRepo,
    key_ring: &KeyRing,
    found: &mut LogVerification,
) -> Result<(), StoreError> {
    let (log, limit) = (repo.log(), i64::try_from(MAX_DAMAGE).unwrap_or(i64::MAX));
    let key_ids: Vec<&str> = key_ring.ids().collect();
    found.unsealed = repo.count_unsealed_audit_records().await?;
    // More than one batch wait only if sealing is stopped. The rest is checked when it is sealed.
    for unsealed in repo.unsealed_audit_records(&key_ids, BATCH).await? {
        if unsealed.provenance(key_ring, log) == Some(Provenance::Forged) {
            found.note(LogDamage::Forged { sequence: None, record: unsealed.record.id });
        }
    }
    for UnsealableRecord { record, key_id } in repo.unsealable_audit_records(&key_ids, limit).await? {
        found.note(match key_id {
            Some(key_id) => LogDamage::UnknownKey { sequence: None, record, key_id },
            None => LogDamage::Removed { sequence: None, record },
        });
    }
    for record in repo.unsequenced_audit_records(limit).await? {
        found.note(LogDamage::Inserted { record });
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::testing::{FakeChain, key_ring, record, run, seal_without_provenance};
    use crate::{Log, UnsignedRecords, seal_records};

    fn seal(chain: &mut FakeChain, ring: &KeyRing) {
        run(seal_records(chain, ring, UnsignedRecords::Accepted, DateTime::UNIX_EPOCH, 100)).unwrap();
    }

    #[test]
    fn log_of_former_and_current_version_is_clean() {
        let (mut chain, ring) = (FakeChain::new(Log::Platform), key_ring(&[("kek", 1)]));
        chain.insert(record("old"), None);
        let former = seal_without_provenance(&ring, chain.log(), None, &chain.records[0]);
        run(chain.insert_audit_seals(&[former])).unwrap();
        chain.insert(record("old, unsealed"), None);
        chain.append(&ring);
        seal(&mut chain, &ring);
        chain.append(&ring);
        let found = run(verify(&mut chain, &ring)).unwrap();
        assert_eq!((found.sealed, found.unsealed, found.unsigned), (3, 1, 2));
        assert_eq!(found.damage, []);
    }

    #[test]
    fn log_verifies_after_key_rotation() {
        let (mut chain, old) = (FakeChain::new(Log::Platform), key_ring(&[("old", 1)]));
        chain.append(&old);
        seal(&mut chain, &old);
        chain.append(&old);
        let rotated = key_ring(&[("new", 2), ("old", 1)]);
        chain.append(&rotated);
        seal(&mut chain, &rotated);
        let found = run(verify(&mut chain, &rotated)).unwrap();
        assert_eq!((found.sealed, found.unsealed, found.damage), (3, 0, Vec::new()));
    }

    #[test]
    fn forged_record_is_found_before_and_after_its_seal() {
        let (mut chain, ring) = (FakeChain::new(Log::Platform), key_ring(&[("kek", 1)]));
        chain.append(&ring);
        chain.records[0].action = "another".to_owned();
        let id = chain.records[0].id;
        let found = run(verify(&mut chain, &ring)).unwrap();
        assert_eq!(found.damage, [LogDamage::Forged { sequence: None, record: id }]);
        seal(&mut chain, &ring);
        let found = run(verify(&mut chain, &ring)).unwrap();
        assert_eq!(found.damage, [LogDamage::Forged { sequence: Some(1), record: id }]);
    }

    #[test]
    fn record_that_cannot_be_sealed_is_damage() {
        let (mut chain, ring) = (FakeChain::new(Log::Platform), key_ring(&[("kek", 1)]));
        chain.append(&ring);
        chain.append(&key_ring(&[("other", 2)]));
        let (removed, other) = (chain.records.remove(0).id, chain.records[0].id);
        let found = run(verify(&mut chain, &ring)).unwrap();
        let unknown = LogDamage::UnknownKey { sequence: None, record: other, key_id: "other".to_owned() };
        assert_eq!(found.damage, [LogDamage::Removed { sequence: None, record: removed }, unknown]);
    }
}
