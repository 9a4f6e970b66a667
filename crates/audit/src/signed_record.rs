//! The MAC of a record, which shows until the record is sealed that the application wrote it.

use kernel::seal::{KeyRing, NoSealingKey, Tag};

use crate::encoding::Encoder;
use crate::{Log, Provenance, Record, StoredRecord};

/// The purpose that the key of the MACs is derived for.
const PURPOSE: &str = "parley audit record v1";

/// A record with its MAC. Adapters insert nothing else, so that no caller can append a record without one.
#[derive(Clone, Debug)]
pub struct SignedRecord {
    record: StoredRecord,
    mac: Tag,
}

/// A record that waits for its seal.
#[derive(Clone, Debug)]
pub struct UnsealedRecord {
    pub record: StoredRecord,
    /// `None` if it was written by a version of the application that made no MACs, or not by the application.
    pub mac: Option<Tag>,
}

impl SignedRecord {
    /// # Errors
    /// [`NoSealingKey`] only for an empty key ring.
    pub fn new(key_ring: &KeyRing, log: Log, record: &Record) -> Result<Self, NoSealingKey> {
        let record = StoredRecord::from(record);
        let mac = Self::mac_of(key_ring, log, &record)?;
        Ok(Self { record, mac })
    }

    pub(crate) fn mac_of(key_ring: &KeyRing, log: Log, record: &StoredRecord) -> Result<Tag, NoSealingKey> {
        key_ring.tag(PURPOSE, &signed_bytes(log, record))
    }

    #[must_use]
    pub const fn record(&self) -> &StoredRecord {
        &self.record
    }

    #[must_use]
    pub const fn mac(&self) -> &Tag {
        &self.mac
    }
}

impl UnsealedRecord {
    /// What the MAC says about the record; `None` if its key is not configured.
    pub(crate) fn provenance(&self, key_ring: &KeyRing, log: Log) -> Option<Provenance> {
        let Some(mac) = &self.mac else { return Some(Provenance::Unsigned) };
        let matches = key_ring.verify_tag(mac, PURPOSE, &signed_bytes(log, &self.record))?;
        Some(if matches { Provenance::Signed } else { Provenance::Forged })
    }
}

/// The log is covered, too: a record cannot be copied to another tenant's log.
fn signed_bytes(log: Log, record: &StoredRecord) -> Vec<u8> {
    let mut encoder = Encoder::default();
    encoder.push_log(log);
    encoder.push_record(record);
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use kernel::ids::TenantId;
    use kernel::{Clock, SystemClock};

    use super::*;
    use crate::testing::{key_ring, record};
    use crate::{Action, Principal, RequestOrigin};

    fn unsealed(record: StoredRecord, mac: Tag) -> UnsealedRecord {
        UnsealedRecord { record, mac: Some(mac) }
    }

    #[test]
    fn mac_covers_every_field_of_its_record_in_its_log() {
        let (clock, ring) = (SystemClock::new(), key_ring(&[("a", 1)]));
        let log = Log::Tenant(TenantId::new(&clock));
        let new = Record::new(Principal::CommandLine, RequestOrigin::default(), Action::UserCreated, &clock)
            .about("user", &"1")
            .with("name", "x");
        let signed = SignedRecord::new(&ring, log, &new).unwrap();
        let (stored, mac) = (signed.record().clone(), signed.mac().clone());
        let provenance = |record: StoredRecord| unsealed(record, mac.clone()).provenance(&ring, log);
        assert_eq!(provenance(stored.clone()), Some(Provenance::Signed));
        let some = || Some("y".to_owned());
        let changed = [
            StoredRecord { id: record("").id, ..stored.clone() },
            StoredRecord { occurred_at: clock.now() + chrono::TimeDelta::seconds(1), ..stored.clone() },
            StoredRecord { actor_kind: "user".to_owned(), ..stored.clone() },
            StoredRecord { actor_id: some(), ..stored.clone() },
            StoredRecord { address: some(), ..stored.clone() },
            StoredRecord { request_id: some(), ..stored.clone() },
            StoredRecord { action: "user.deleted".to_owned(), ..stored.clone() },
            StoredRecord { target_kind: some(), ..stored.clone() },
            StoredRecord { target_id: None, ..stored.clone() },
            StoredRecord { outcome: "refused".to_owned(), ..stored.clone() },
            StoredRecord { changes: "{}".to_owned(), ..stored.clone() },
        ];
        for record in changed {
            assert_eq!(provenance(record.clone()), Some(Provenance::Forged), "{record:?}");
        }
        for other in [Log::Platform, Log::Tenant(TenantId::new(&clock))] {
            assert_eq!(unsealed(stored.clone(), mac.clone()).provenance(&ring, other), Some(Provenance::Forged));
        }
    }

    #[test]
    fn mac_of_former_key_matches_while_key_is_configured() {
        let clock = SystemClock::new();
        let new = Record::new(Principal::CommandLine, RequestOrigin::default(), Action::UserCreated, &clock);
        let signed = SignedRecord::new(&key_ring(&[("old", 1)]), Log::Platform, &new).unwrap();
        let waiting = unsealed(signed.record().clone(), signed.mac().clone());
        let rotated = key_ring(&[("new", 2), ("old", 1)]);
        assert_eq!(waiting.provenance(&rotated, Log::Platform), Some(Provenance::Signed));
        assert_eq!(waiting.provenance(&key_ring(&[("new", 2)]), Log::Platform), None);
        let without = UnsealedRecord { mac: None, ..waiting };
        assert_eq!(without.provenance(&rotated, Log::Platform), Some(Provenance::Unsigned));
    }
}
