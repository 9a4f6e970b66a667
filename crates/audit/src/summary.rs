//! The summary of the records that were purged from the start of a log.

use chrono::{DateTime, Utc};
use kernel::seal::{KeyRing, NoSealingKey, Tag};

use crate::encoding::Encoder;
use crate::{Log, Provenance, Seal, StoredRecord};

/// The purpose that the key of the MACs of summaries is derived for.
const PURPOSE: &str = "parley audit summary v1";

/// What is left of purged records: enough to check that the chain goes on with the next seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSummary {
    pub covered: SummaryOfRecords,
    /// Covers the log and all of the above.
    pub mac: Tag,
}

/// Sums up the records from the start of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummaryOfRecords {
    /// The position of the last purged seal.
    pub sequence: i64,
    /// The bytes of its tag, which the next seal covers.
    pub hash: Vec<u8>,
    /// The number of purged records.
    pub records: i64,
    /// How many of them were written without a MAC.
    pub unsigned: i64,
    /// How many of them had been sealed as forged.
    pub forged: i64,
    /// When the first and the last of them, by time, were written.
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
}

/// Records that may be purged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummarisedRecords {
    /// Of these records and all that were purged before.
    pub summary: LogSummary,
    /// The position of the last record that was purged before; 0 if none was.
    pub after: i64,
}

impl SummarisedRecords {
    /// The number of records that were not purged before.
    #[must_use]
    pub const fn added(&self) -> i64 {
        self.summary.covered.sequence - self.after
    }
}

impl LogSummary {
    /// # Errors
    /// [`NoSealingKey`] only for an empty key ring.
    pub(crate) fn sign(key_ring: &KeyRing, log: Log, covered: SummaryOfRecords) -> Result<Self, NoSealingKey> {
        let mac = key_ring.tag(PURPOSE, &covered.bytes(log))?;
        Ok(Self { covered, mac })
    }

    /// Whether the application made it for this log; `None` if its key is not configured.
    pub(crate) fn is_genuine(&self, key_ring: &KeyRing, log: Log) -> Option<bool> {
        key_ring.verify_tag(&self.mac, PURPOSE, &self.covered.bytes(log))
    }
}

impl SummaryOfRecords {
    /// With the next record of the chain.
    pub(crate) fn with(summary: Option<Self>, seal: &Seal, record: &StoredRecord) -> Self {
        let time = record.occurred_at;
        let before = summary.unwrap_or(Self {
            sequence: 0,
            hash: Vec::new(),
            records: 0,
            unsigned: 0,
            forged: 0,
            first_at: time,
            last_at: time,
        });
        Self {
            sequence: seal.sequence,
            hash: seal.tag.bytes.clone(),
            records: before.records + 1,
            unsigned: before.unsigned + i64::from(matches!(seal.provenance, None | Some(Provenance::Unsigned))),
            forged: before.forged + i64::from(seal.provenance == Some(Provenance::Forged)),
            first_at: before.first_at.min(time),
            last_at: before.last_at.max(time),
        }
    }

    fn bytes(&self, log: Log) -> Vec<u8> {
        let mut encoder = Encoder::default();
        encoder.push_log(log);
        encoder.push(Some(&self.hash));
        for number in [
            self.sequence,
            self.records,
            self.unsigned,
            self.forged,
            self.first_at.timestamp_micros(),
            self.last_at.timestamp_micros(),
        ] {
            encoder.push(Some(&number.to_be_bytes()));
        }
        encoder.finish()
    }
}
