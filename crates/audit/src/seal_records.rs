use chrono::{DateTime, Utc};
use kernel::seal::KeyRing;

use crate::{AuditChainRepo, Provenance, Seal, SealRecordsError, UnsignedRecords};

/// The numbers of records that were sealed, by provenance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SealedRecords {
    pub signed: usize,
    pub unsigned: usize,
    pub forged: usize,
}

impl SealedRecords {
    #[must_use]
    pub const fn total(self) -> usize {
        self.signed + self.unsigned + self.forged
    }

    pub const fn add(&mut self, other: Self) {
        self.signed += other.signed;
        self.unsigned += other.unsigned;
        self.forged += other.forged;
    }

    const fn count(&mut self, provenance: Provenance) {
        match provenance {
            Provenance::Signed => self.signed += 1,
            Provenance::Unsigned => self.unsigned += 1,
            Provenance::Forged => self.forged += 1,
        }
    }
}

/// Seals up to `limit` unsealed records of a log. Holds the lock of the chain, so the chain never forks; appending records does
/// not wait for it.
///
/// A record whose MAC does not match is sealed as forged: it is evidence, and must not stop the records after it. A record whose
/// MAC was made with a key that is not configured stays unsealed, as another process may have a newer key.
///
/// # Errors
/// [`SealRecordsError`].
pub async fn seal_records(
    repo: &mut dyn AuditChainRepo,
    key_ring: &KeyRing,
    unsigned: UnsignedRecords,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<SealedRecords, SealRecordsError> {
    let mut sealed = SealedRecords::default();
    if !repo.lock_audit_chain().await? {
        return Ok(sealed);
    }
    let log = repo.log();
    let mut last = repo.last_audit_seal().await?;
    let mut seals: Vec<Seal> = Vec::new();
    let key_ids: Vec<&str> = key_ring.ids().collect();
    for unsealed in repo.unsealed_audit_records(&key_ids, limit).await? {
        let provenance = match (unsealed.provenance(key_ring, log), unsigned) {
            (None, _) | (Some(Provenance::Unsigned), UnsignedRecords::Undecided) => continue,
            (Some(Provenance::Unsigned), UnsignedRecords::Refused) => Provenance::Forged,
            (Some(provenance), _) => provenance,
        };
        let seal = Seal::next(key_ring, log, last.as_ref(), &unsealed.record, provenance, now)?;
        sealed.count(provenance);
        last = Some(seal.clone());
        seals.push(seal);
    }
    if !seals.is_empty() {
        repo.insert_audit_seals(&seals).await?;
    }
    Ok(sealed)
}

#[cfg(test)]
mod tests {
    use kernel::SystemClock;
    use kernel::ids::TenantId;

    use super::*;
    use crate::testing::{FakeChain, key_ring, record, run};
    use crate::{Log, StoredRecord};

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn chain() -> FakeChain {
        FakeChain::new(Log::Tenant(TenantId::new(&SystemClock::new())))
    }

    fn provenances(chain: &FakeChain) -> Vec<Provenance> {
        chain.seals.iter().filter_map(|seal| seal.provenance).collect()
    }

    #[test]
    fn changed_record_is_sealed_as_forged_among_others() {
        let (mut chain, ring) = (chain(), key_ring(&[("kek", 1)]));
        for _ in 0..3 {
            chain.append(&ring);
        }
        chain.records[1].outcome = "refused".to_owned();
        let sealed = run(seal_records(&mut chain, &ring, UnsignedRecords::Refused, NOW, 10)).unwrap();
        assert_eq!(sealed, SealedRecords { signed: 2, unsigned: 0, forged: 1 });
        assert_eq!(provenances(&chain), [Provenance::Signed, Provenance::Forged, Provenance::Signed]);
    }

    #[test]
    fn copied_mac_does_not_match_another_record() {
        let (mut chain, ring) = (chain(), key_ring(&[("kek", 1)]));
        chain.append(&ring);
        let copy = StoredRecord { id: record("").id, ..chain.records[0].clone() };
        let mac = chain.unsealed[0].1.clone();
        chain.insert(copy, mac);
        let sealed = run(seal_records(&mut chain, &ring, UnsignedRecords::Refused, NOW, 10)).unwrap();
        assert_eq!(sealed, SealedRecords { signed: 1, unsigned: 0, forged: 1 });
    }

    #[test]
    fn record_without_mac_is_sealed_as_policy_says() {
        let ring = key_ring(&[("kek", 1)]);
        for (policy, sealed_as) in [
            (UnsignedRecords::Accepted, &[Provenance::Unsigned, Provenance::Signed][..]),
            (UnsignedRecords::Refused, &[Provenance::Forged, Provenance::Signed]),
            (UnsignedRecords::Undecided, &[Provenance::Signed]),
        ] {
            let mut chain = chain();
            chain.insert(record("old"), None);
            chain.append(&ring);
            let sealed = run(seal_records(&mut chain, &ring, policy, NOW, 10)).unwrap();
            assert_eq!((sealed.total(), provenances(&chain)), (sealed_as.len(), sealed_as.to_vec()), "{policy:?}");
        }
    }

    #[test]
    fn record_of_unknown_key_waits_and_stops_no_other() {
        let (mut chain, old) = (chain(), key_ring(&[("old", 1)]));
        chain.append(&key_ring(&[("new", 2)]));
        chain.append(&old);
        let sealed = run(seal_records(&mut chain, &old, UnsignedRecords::Refused, NOW, 1)).unwrap();
        assert_eq!((sealed.signed, sealed.total()), (1, 1));
        let both = key_ring(&[("new", 2), ("old", 1)]);
        let sealed = run(seal_records(&mut chain, &both, UnsignedRecords::Refused, NOW, 1)).unwrap();
        assert_eq!((sealed.signed, sealed.total()), (1, 1));
    }
}
