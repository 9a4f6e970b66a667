//! The chain over a tenant's records.
//!
//! The seal of a record is an HMAC over the record, its place, and the seal before. Its key is derived from the deployment's
//! key-encryption key, which is not in the database: whoever can write there can change, remove or add records, but cannot
//! make the seals that go with them.

use kernel::ids::{AuditRecordId, TenantId};
use kernel::seal::{KeyRing, NoKey, Tag};

use crate::StoredRecord;

/// What the key of seals is derived for.
const PURPOSE: &str = "parley audit seal v1";

/// That a record was there, in this place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Counts from 1.
    pub sequence: i64,
    pub record: AuditRecordId,
    pub tag: Tag,
}

impl Seal {
    /// The seal of the next record.
    pub(crate) fn next(
        ring: &KeyRing,
        tenant: TenantId,
        previous: Option<&Self>,
        record: &StoredRecord,
    ) -> Result<Self, NoKey> {
        let sequence = previous.map_or(0, |seal| seal.sequence) + 1;
        let tag = ring.tag(PURPOSE, &sealed_bytes(tenant, sequence, previous, record))?;
        Ok(Self { sequence, record: record.id, tag })
    }

    /// Whether it is the seal of this record behind that seal; nothing when its key is not configured.
    pub(crate) fn covers(
        &self,
        ring: &KeyRing,
        tenant: TenantId,
        previous: Option<&Self>,
        record: &StoredRecord,
    ) -> Option<bool> {
        ring.is_tag_of(&self.tag, PURPOSE, &sealed_bytes(tenant, self.sequence, previous, record))
    }
}

/// Each part with its length before it, so that no two records give the same bytes.
fn sealed_bytes(tenant: TenantId, sequence: i64, previous: Option<&Seal>, record: &StoredRecord) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut push = |part: Option<&[u8]>| {
        bytes.push(u8::from(part.is_some()));
        let part = part.unwrap_or_default();
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    };
    push(Some(tenant.as_uuid().as_bytes()));
    push(Some(&sequence.to_be_bytes()));
    push(previous.map(|seal| seal.tag.bytes.as_slice()));
    push(Some(record.id.as_uuid().as_bytes()));
    push(Some(&record.occurred_at.timestamp_micros().to_be_bytes()));
    for text in [
        Some(&record.actor_kind),
        record.actor_id.as_ref(),
        record.address.as_ref(),
        record.request_id.as_ref(),
        Some(&record.action),
        record.target_kind.as_ref(),
        record.target_id.as_ref(),
        Some(&record.outcome),
        Some(&record.changes),
    ] {
        push(text.map(String::as_bytes));
    }
    bytes
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use kernel::{Clock, SystemClock};

    use super::*;

    fn ring(byte: u8) -> KeyRing {
        KeyRing::new([("kek".to_owned(), vec![byte; 32].into())]).unwrap()
    }

    fn record(text: &str) -> StoredRecord {
        StoredRecord {
            id: AuditRecordId::from_uuid(SystemClock::new().new_id()),
            sequence: None,
            occurred_at: DateTime::UNIX_EPOCH,
            actor_kind: "user".to_owned(),
            actor_id: None,
            address: None,
            request_id: None,
            action: text.to_owned(),
            target_kind: None,
            target_id: None,
            outcome: "done".to_owned(),
            changes: "{}".to_owned(),
        }
    }

    #[test]
    fn a_seal_covers_its_record_in_its_place_only() {
        let (ring, tenant) = (ring(1), TenantId::new(&SystemClock::new()));
        let (one, two) = (record("one"), record("two"));
        let first = Seal::next(&ring, tenant, None, &one).unwrap();
        let second = Seal::next(&ring, tenant, Some(&first), &two).unwrap();
        assert_eq!((first.sequence, second.sequence), (1, 2));
        assert_eq!(second.covers(&ring, tenant, Some(&first), &two), Some(true));
        let changed = StoredRecord { action: "too".to_owned(), ..two.clone() };
        let moved = StoredRecord { target_kind: Some(String::new()), ..two.clone() };
        for other in [&one, &changed, &moved] {
            assert_eq!(second.covers(&ring, tenant, Some(&first), other), Some(false));
        }
        assert_eq!(second.covers(&ring, tenant, None, &two), Some(false));
        assert_eq!(second.covers(&ring, TenantId::new(&SystemClock::new()), Some(&first), &two), Some(false));
        assert_eq!(second.covers(&self::ring(2), tenant, Some(&first), &two), Some(false));
    }
}
