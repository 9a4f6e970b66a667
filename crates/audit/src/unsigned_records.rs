use chrono::{DateTime, TimeDelta, Utc};
use kernel::StoreError;
use kernel::seal::KeyRing;

use crate::{AuditChainRepo, Provenance};

/// How long servers of a version that made no MACs may run beside those that do.
const UPGRADE: TimeDelta = TimeDelta::days(1);

/// How a record without a MAC is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnsignedRecords {
    /// As unsigned: versions without MACs may still write.
    Accepted,
    /// As forged: all servers have made MACs for long.
    Refused,
    /// Not yet: it is unknown which of the two holds.
    Undecided,
}

/// How records without a MAC are sealed in all logs.
///
/// The first seal of the operators' log tells since when this deployment makes MACs. Nothing else in the database does that an
/// attacker who can write to it could not set.
///
/// # Errors
/// [`StoreError`].
pub async fn unsigned_records(
    platform: &mut dyn AuditChainRepo,
    key_ring: &KeyRing,
    now: DateTime<Utc>,
) -> Result<UnsignedRecords, StoreError> {
    let log = platform.log();
    let Some((seal, record)) = platform.sealed_audit_records(0, 1).await?.into_iter().next() else {
        return Ok(UnsignedRecords::Accepted);
    };
    let is_valid = record.and_then(|record| seal.covers(key_ring, log, None, &record)) == Some(true);
    // A log that begins with a MAC is one of a deployment that was never without.
    let from_upgrade = seal.provenance != Some(Provenance::Signed);
    if is_valid && from_upgrade && now < seal.sealed_at + UPGRADE {
        Ok(UnsignedRecords::Accepted)
    } else {
        Ok(UnsignedRecords::Refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FakeChain, key_ring, record, run};
    use crate::{Log, seal_records};

    const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn at(chain: &mut FakeChain, ring: &KeyRing, age: TimeDelta) -> UnsignedRecords {
        run(unsigned_records(chain, ring, START + age)).unwrap()
    }

    #[test]
    fn unsigned_records_are_accepted_for_a_day_after_upgrade() {
        let (mut chain, ring) = (FakeChain::new(Log::Platform), key_ring(&[("kek", 1)]));
        assert_eq!(at(&mut chain, &ring, TimeDelta::days(9)), UnsignedRecords::Accepted, "nothing is sealed");
        chain.insert(record("old"), None);
        run(seal_records(&mut chain, &ring, UnsignedRecords::Accepted, START, 10)).unwrap();
        assert_eq!(at(&mut chain, &ring, TimeDelta::hours(23)), UnsignedRecords::Accepted);
        assert_eq!(at(&mut chain, &ring, TimeDelta::hours(24)), UnsignedRecords::Refused);
        chain.seals[0].sealed_at = START + TimeDelta::days(9);
        assert_eq!(at(&mut chain, &ring, TimeDelta::days(9)), UnsignedRecords::Refused, "the seal was changed");
    }

    #[test]
    fn unsigned_records_are_refused_if_log_begins_with_mac() {
        let (mut chain, ring) = (FakeChain::new(Log::Platform), key_ring(&[("kek", 1)]));
        chain.append(&ring);
        run(seal_records(&mut chain, &ring, UnsignedRecords::Accepted, START, 10)).unwrap();
        assert_eq!(at(&mut chain, &ring, TimeDelta::zero()), UnsignedRecords::Refused);
    }
}
