//! The hash chain over a tenant's records.
//!
//! The seal of a record is an HMAC over the record, its sequence number and the seal before it. The HMAC's key is derived from
//! the deployment's key-encryption key, which is not in the database: an attacker who can write to the database can change,
//! remove or add records, but cannot make their seals.

use kernel::ids::{AuditRecordId, TenantId};
use kernel::seal::{KeyRing, NoSealingKey, Tag};

use crate::StoredRecord;

/// The purpose that the seals' key is derived for.
const PURPOSE: &str = "parley audit seal v1";

/// Proof that a record had this sequence number.
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
        key_ring: &KeyRing,
        tenant: TenantId,
        previous: Option<&Self>,
        record: &StoredRecord,
    ) -> Result<Self, NoSealingKey> {
        let sequence = previous.map_or(0, |seal| seal.sequence) + 1;
        let tag = key_ring.tag(PURPOSE, &sealed_bytes(tenant, sequence, previous, record))?;
        Ok(Self { sequence, record: record.id, tag })
    }

    /// Whether this is the seal of the record after the previous seal; `None` if its key is not configured.
    pub(crate) fn covers(
        &self,
        key_ring: &KeyRing,
        tenant: TenantId,
        previous: Option<&Self>,
        record: &StoredRecord,
    ) -> Option<bool> {
        key_ring.verify_tag(&self.tag, PURPOSE, &sealed_bytes(tenant, self.sequence, previous, record))
    }
}

/// Each part is prefixed with its length, so that different records give different bytes.
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

    fn key_ring(byte: u8) -> KeyRing {
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
    fn seal_covers_only_its_record_at_its_sequence() {
        let (key_ring, tenant) = (key_ring(1), TenantId::new(&SystemClock::new()));
        let (one, two) = (record("one"), record("two"));
        let first = Seal::next(&key_ring, tenant, None, &one).unwrap();
        let second = Seal::next(&key_ring, tenant, Some(&first), &two).unwrap();
        assert_eq!((first.sequence, second.sequence), (1, 2));
        assert_eq!(second.covers(&key_ring, tenant, Some(&first), &two), Some(true));
        let changed = StoredRecord { action: "too".to_owned(), ..two.clone() };
        let moved = StoredRecord { target_kind: Some(String::new()), ..two.clone() };
        for other in [&one, &changed, &moved] {
            assert_eq!(second.covers(&key_ring, tenant, Some(&first), other), Some(false));
        }
        assert_eq!(second.covers(&key_ring, tenant, None, &two), Some(false));
        assert_eq!(second.covers(&key_ring, TenantId::new(&SystemClock::new()), Some(&first), &two), Some(false));
        assert_eq!(second.covers(&self::key_ring(2), tenant, Some(&first), &two), Some(false));
    }
}
