use chrono::{DateTime, Utc};
use kernel::StoreError;
use kernel::ids::AuditRecordId;

use crate::UnsealedDirectory;

/// When the oldest unsealed record of all logs was written; `None` if all are sealed.
///
/// # Errors
/// [`StoreError`].
pub async fn oldest_unsealed(repo: &mut dyn UnsealedDirectory) -> Result<Option<DateTime<Utc>>, StoreError> {
    Ok(repo.oldest_unsealed_record().await?.map(id_time))
}

/// The time in the first 48 bits of an id, in milliseconds (UUIDv7, RFC 9562, section 5.7).
///
/// The version of the id is not checked: with the id of another version, which the application did not make, a record must not
/// hide that older ones are unsealed. Its first bits are then less than theirs, and so its age is greater.
#[must_use]
pub fn id_time(id: AuditRecordId) -> DateTime<Utc> {
    let milliseconds = i64::try_from(id.as_uuid().as_u128() >> 80).unwrap_or(i64::MAX);
    DateTime::from_timestamp_millis(milliseconds).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use kernel::{Clock, ManualClock};

    use super::*;

    #[test]
    fn id_names_the_millisecond_of_its_clock() {
        let clock = ManualClock::starting_at(DateTime::UNIX_EPOCH + TimeDelta::milliseconds(1_790_000_000_123));
        assert_eq!(id_time(AuditRecordId::new(&clock)), clock.now());
    }
}
