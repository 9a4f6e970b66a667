use chrono::{DateTime, Utc};
use kernel::StoreError;
use kernel::seal::{KeyRing, NoSealingKey};

use crate::AuditChainRepo;
use crate::summary::{LogSummary, SummarisedRecords, SummaryOfRecords};

/// Why records of a log are not purged.
#[derive(Debug, thiserror::Error)]
pub enum PurgeRecordsError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    NoSealingKey(#[from] NoSealingKey),
    /// They are evidence, and stay.
    #[error("the log is damaged at position {sequence}: verify it; nothing from there on is purged")]
    Damaged { sequence: i64 },
}

/// Summarises up to `limit` records at the start of a log that were written and sealed before a time, so that they can be purged.
/// `None` if there are none. The last sealed record of a log stays, since the next seal covers its seal.
///
/// Each record is verified: nothing is purged from the first damage on.
///
/// # Errors
/// [`PurgeRecordsError`].
pub async fn summarise_records(
    repo: &mut dyn AuditChainRepo,
    key_ring: &KeyRing,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Option<SummarisedRecords>, PurgeRecordsError> {
    let log = repo.log();
    let previous = repo.audit_summary().await?;
    if let Some(summary) = previous.as_ref().filter(|summary| summary.is_genuine(key_ring, log) != Some(true)) {
        return Err(PurgeRecordsError::Damaged { sequence: summary.covered.sequence });
    }
    let mut covered = previous.map(|summary| summary.covered);
    let after = covered.as_ref().map_or(0, |covered| covered.sequence);
    let mut sealed = repo.sealed_audit_records(after, limit.saturating_add(1)).await?;
    sealed.pop();
    for (seal, record) in sealed {
        let expected = covered.as_ref().map_or(0, |covered| covered.sequence) + 1;
        let hash = covered.as_ref().map(|covered| covered.hash.as_slice());
        let verified = record
            .filter(|record| seal.sequence == expected && seal.covers_after(key_ring, log, hash, record) == Some(true));
        let Some(record) = verified else {
            if expected == after + 1 {
                return Err(PurgeRecordsError::Damaged { sequence: expected });
            }
            break;
        };
        if seal.sealed_at.max(record.occurred_at) >= before {
            break;
        }
        covered = Some(SummaryOfRecords::with(covered, &seal, &record));
    }
    match covered.filter(|covered| covered.sequence > after) {
        Some(covered) => Ok(Some(SummarisedRecords { summary: LogSummary::sign(key_ring, log, covered)?, after })),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::testing::{FakeChain, key_ring, run};
    use crate::verify_log::verify;
    use crate::{Log, LogDamage, UnsignedRecords, seal_records};

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    /// A chain of so many records, whose times are one second apart.
    fn chain(ring: &KeyRing, records: usize) -> FakeChain {
        let mut chain = FakeChain::new(Log::Platform);
        for second in 0..records {
            chain.append(ring);
            let now = NOW + TimeDelta::seconds(i64::try_from(second).unwrap());
            chain.rewrite_last(ring, |record| record.occurred_at = now);
            run(seal_records(&mut chain, ring, UnsignedRecords::Accepted, now, 10)).unwrap();
        }
        chain
    }

    fn summarise(chain: &mut FakeChain, ring: &KeyRing, seconds: i64, limit: i64) -> Option<SummarisedRecords> {
        run(summarise_records(chain, ring, NOW + TimeDelta::seconds(seconds), limit)).unwrap()
    }

    fn damage(chain: &mut FakeChain, ring: &KeyRing) -> Vec<LogDamage> {
        run(verify(chain, ring)).unwrap().damage
    }

    #[test]
    fn old_records_are_summarised_in_chunks_and_chain_verifies() {
        let ring = key_ring(&[("kek", 1)]);
        let mut chain = chain(&ring, 6);
        for (limit, sequence) in [(2, 2), (2, 4), (2, 5)] {
            let records = summarise(&mut chain, &ring, 5, limit).unwrap();
            assert_eq!((records.summary.covered.sequence, records.summary.covered.records), (sequence, sequence));
            chain.purge(&records);
            let found = run(verify(&mut chain, &ring)).unwrap();
            assert_eq!(
                (found.damage, found.sealed, found.summarised),
                (vec![], u64::try_from(6 - sequence).unwrap(), Some(records.summary))
            );
        }
        assert_eq!(summarise(&mut chain, &ring, 100, 10), None, "the last record stays");
        chain.append(&ring);
        run(seal_records(&mut chain, &ring, UnsignedRecords::Accepted, NOW, 10)).unwrap();
        assert_eq!(damage(&mut chain, &ring), [], "the chain goes on");
    }

    #[test]
    fn young_and_unsealed_records_are_not_summarised() {
        let ring = key_ring(&[("kek", 1)]);
        let mut chain = chain(&ring, 3);
        chain.append(&ring);
        assert_eq!(summarise(&mut chain, &ring, 0, 10), None);
        assert_eq!(summarise(&mut chain, &ring, 1, 10).unwrap().added(), 1);
        assert_eq!(summarise(&mut chain, &ring, 1_000, 10).unwrap().added(), 2);
    }

    #[test]
    fn damaged_record_and_those_after_it_stay() {
        let ring = key_ring(&[("kek", 1)]);
        let mut chain = chain(&ring, 4);
        chain.records[1].action = "another".to_owned();
        let records = summarise(&mut chain, &ring, 100, 10).unwrap();
        assert_eq!(records.added(), 1);
        chain.purge(&records);
        let refused = run(summarise_records(&mut chain, &ring, NOW + TimeDelta::days(1), 10));
        assert!(matches!(refused, Err(PurgeRecordsError::Damaged { sequence: 2 })), "{refused:?}");
        assert!(matches!(damage(&mut chain, &ring)[..], [LogDamage::Changed { sequence: 2, .. }]));
    }

    #[test]
    fn changed_summary_and_records_missing_after_it_are_found() {
        let ring = key_ring(&[("kek", 1)]);
        let mut purged = chain(&ring, 4);
        let records = summarise(&mut purged, &ring, 2, 10).unwrap();
        purged.purge(&records);

        let mut cut = purged.clone();
        cut.seals.remove(0);
        assert_eq!(damage(&mut cut, &ring), [LogDamage::Missing { sequence: 3 }]);

        let mut without = purged.clone();
        without.summary = None;
        assert_eq!(damage(&mut without, &ring), [LogDamage::Missing { sequence: 1 }]);

        let changes: [fn(&mut SummaryOfRecords); 7] = [
            |summary| summary.sequence = 3,
            |summary| summary.hash[0] ^= 1,
            |summary| summary.records = 1,
            |summary| summary.unsigned = 1,
            |summary| summary.forged = 1,
            |summary| summary.first_at = NOW - TimeDelta::seconds(1),
            |summary| summary.last_at = NOW,
        ];
        for change in changes {
            let mut forged = purged.clone();
            let summary = forged.summary.as_mut().unwrap();
            change(&mut summary.covered);
            let sequence = summary.covered.sequence;
            let found = damage(&mut forged, &ring);
            assert_eq!(found, [LogDamage::ForgedSummary { sequence }, LogDamage::Missing { sequence: 1 }]);
            assert!(run(summarise_records(&mut forged, &ring, NOW + TimeDelta::days(1), 10)).is_err());
        }
        let other = key_ring(&[("other", 2)]);
        assert!(matches!(damage(&mut purged, &other)[0], LogDamage::UnknownSummaryKey { sequence: 2, .. }));
    }

    #[test]
    fn seal_at_a_summarised_position_is_found() {
        let ring = key_ring(&[("kek", 1)]);
        let mut chain = chain(&ring, 4);
        let (seal, record) = (chain.seals[0].clone(), chain.records[0].clone());
        let records = summarise(&mut chain, &ring, 2, 10).unwrap();
        chain.purge(&records);
        chain.records.push(record.clone());
        chain.seals.insert(0, seal);
        assert_eq!(damage(&mut chain, &ring), [LogDamage::Inserted { record: record.id }]);
    }
}
