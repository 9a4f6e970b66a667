//! The hash chain over the records of a log.
//!
//! The seal of a record is an HMAC over the record, its sequence number, what the sealer found out about its writer, and the seal
//! before it. The HMAC's key is derived from the deployment's key-encryption key, which is not in the database: an attacker who
//! can write to the database can change, remove or add records, but cannot make their seals.

use chrono::{DateTime, Utc};
use kernel::ids::AuditRecordId;
use kernel::seal::{KeyRing, Tag};

use crate::encoding::Encoder;
use crate::{Log, Provenance, SealRecordsError, StoredRecord};

/// The purpose that the key of seals without a provenance is derived for.
const PURPOSE_WITHOUT_PROVENANCE: &str = "parley audit seal v1";
/// The purpose that the key of all other seals is derived for.
const PURPOSE: &str = "parley audit seal v2";

/// Proof that a record had this sequence number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Counts from 1.
    pub sequence: i64,
    pub record: AuditRecordId,
    pub tag: Tag,
    /// Covered by the tag, unless there is no provenance.
    pub sealed_at: DateTime<Utc>,
    /// `None` if it was made by a version of the application that did not check who wrote a record.
    pub provenance: Option<Provenance>,
}

impl Seal {
    /// The seal of the next record.
    pub(crate) fn next(
        key_ring: &KeyRing,
        log: Log,
        previous: Option<&Self>,
        record: &StoredRecord,
        provenance: Provenance,
        now: DateTime<Utc>,
    ) -> Result<Self, SealRecordsError> {
        let last = previous.map_or(0, |seal| seal.sequence);
        let sequence = last.checked_add(1).ok_or(SealRecordsError::NoSequenceNumber)?;
        let mut seal = Self {
            sequence,
            record: record.id,
            tag: Tag { key_id: String::new(), bytes: Vec::new() },
            sealed_at: now,
            provenance: Some(provenance),
        };
        seal.tag = key_ring.tag(PURPOSE, &seal.covered_bytes(log, previous, record))?;
        Ok(seal)
    }

    /// Whether this is the seal of the record after the previous seal; `None` if its key is not configured.
    pub(crate) fn covers(
        &self,
        key_ring: &KeyRing,
        log: Log,
        previous: Option<&Self>,
        record: &StoredRecord,
    ) -> Option<bool> {
        self.covers_after(key_ring, log, previous.map(|seal| seal.tag.bytes.as_slice()), record)
    }

    /// The same, where only the bytes of the previous seal's tag are known.
    pub(crate) fn covers_after(
        &self,
        key_ring: &KeyRing,
        log: Log,
        previous: Option<&[u8]>,
        record: &StoredRecord,
    ) -> Option<bool> {
        let purpose = self.provenance.map_or(PURPOSE_WITHOUT_PROVENANCE, |_| PURPOSE);
        key_ring.verify_tag(&self.tag, purpose, &self.bytes_after(log, previous, record))
    }

    pub(crate) fn covered_bytes(&self, log: Log, previous: Option<&Self>, record: &StoredRecord) -> Vec<u8> {
        self.bytes_after(log, previous.map(|seal| seal.tag.bytes.as_slice()), record)
    }

    fn bytes_after(&self, log: Log, previous: Option<&[u8]>, record: &StoredRecord) -> Vec<u8> {
        let mut encoder = Encoder::default();
        encoder.push_log(log);
        encoder.push(Some(&self.sequence.to_be_bytes()));
        encoder.push(previous);
        encoder.push_record(record);
        if let Some(provenance) = self.provenance {
            encoder.push(Some(provenance.into_str().as_bytes()));
            encoder.push(Some(&self.sealed_at.timestamp_micros().to_be_bytes()));
        }
        encoder.finish()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use kernel::SystemClock;
    use kernel::ids::TenantId;

    use super::*;
    use crate::testing::{key_ring, record, seal_without_provenance};

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    #[test]
    fn seal_covers_only_its_record_at_its_sequence() {
        let (ring, log) = (key_ring(&[("kek", 1)]), Log::Tenant(TenantId::new(&SystemClock::new())));
        let (one, two) = (record("one"), record("two"));
        let first = Seal::next(&ring, log, None, &one, Provenance::Signed, NOW).unwrap();
        let second = Seal::next(&ring, log, Some(&first), &two, Provenance::Signed, NOW).unwrap();
        assert_eq!((first.sequence, second.sequence), (1, 2));
        assert_eq!(second.covers(&ring, log, Some(&first), &two), Some(true));
        let changed = StoredRecord { action: "too".to_owned(), ..two.clone() };
        let moved = StoredRecord { target_kind: Some(String::new()), ..two.clone() };
        for other in [&one, &changed, &moved] {
            assert_eq!(second.covers(&ring, log, Some(&first), other), Some(false));
        }
        assert_eq!(second.covers(&ring, log, None, &two), Some(false));
        for other in [Log::Platform, Log::Tenant(TenantId::new(&SystemClock::new()))] {
            assert_eq!(second.covers(&ring, other, Some(&first), &two), Some(false));
        }
        assert_eq!(second.covers(&key_ring(&[("kek", 2)]), log, Some(&first), &two), Some(false));
    }

    #[test]
    fn seal_covers_provenance_and_time() {
        let (ring, log, one) = (key_ring(&[("kek", 1)]), Log::Platform, record("one"));
        let forged = Seal::next(&ring, log, None, &one, Provenance::Forged, NOW).unwrap();
        for provenance in [Some(Provenance::Signed), Some(Provenance::Unsigned), None] {
            let other = Seal { provenance, ..forged.clone() };
            assert_eq!(other.covers(&ring, log, None, &one), Some(false), "{provenance:?}");
        }
        let later = Seal { sealed_at: NOW + TimeDelta::microseconds(1), ..forged };
        assert_eq!(later.covers(&ring, log, None, &one), Some(false));
    }

    #[test]
    fn seal_of_former_version_verifies_and_is_continued() {
        let (ring, log) = (key_ring(&[("kek", 1)]), Log::Tenant(TenantId::new(&SystemClock::new())));
        let (one, two) = (record("one"), record("two"));
        let former = seal_without_provenance(&ring, log, None, &one);
        assert_eq!(former.covers(&ring, log, None, &one), Some(true));
        let next = Seal::next(&ring, log, Some(&former), &two, Provenance::Signed, NOW).unwrap();
        assert_eq!(next.covers(&ring, log, Some(&former), &two), Some(true));
        let claimed = Seal { provenance: Some(Provenance::Signed), ..former };
        assert_eq!(claimed.covers(&ring, log, None, &one), Some(false));
    }

    #[test]
    fn last_sequence_number_is_not_followed() {
        let (ring, one) = (key_ring(&[("kek", 1)]), record("one"));
        let first = Seal::next(&ring, Log::Platform, None, &one, Provenance::Signed, NOW).unwrap();
        let last = Seal { sequence: i64::MAX, ..first };
        let next = Seal::next(&ring, Log::Platform, Some(&last), &one, Provenance::Signed, NOW);
        assert!(matches!(next, Err(SealRecordsError::NoSequenceNumber)));
    }
}
