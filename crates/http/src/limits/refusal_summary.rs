use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use iam::network;
use metrics::counter;
use tracing::warn;

use crate::metrics::ANONYMOUS_REFUSALS;

/// Counts refused requests to operators' paths whose callers hold no key: in a metric, and per address and hour in the log. They
/// get no audit record: any caller could fill the audit log, which cannot be emptied.
#[derive(Debug, Default)]
pub struct AnonymousRefusals(Mutex<Hour>);

/// The refusals of an hour.
#[derive(Debug, Default)]
struct Hour {
    /// Hours since the epoch.
    number: i64,
    by_network: HashMap<String, u64>,
    /// Those of further addresses.
    others: u64,
}

/// Bounds the memory.
const MAX_NETWORKS: usize = 1_000;

impl AnonymousRefusals {
    pub(crate) fn count(&self, address: Option<IpAddr>, reason: &'static str, now: DateTime<Utc>) {
        counter!(ANONYMOUS_REFUSALS, "reason" => reason).increment(1);
        let mut hour = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hour.end_before(hour_of(now));
        let network = network(address);
        let is_full = hour.by_network.len() >= MAX_NETWORKS;
        match hour.by_network.get_mut(&network) {
            Some(count) => *count += 1,
            None if is_full => hour.others += 1,
            None => {
                hour.by_network.insert(network, 1);
            }
        }
    }

    /// Logs the refusals of an hour that has ended. Call it repeatedly.
    pub fn log_ended_hour(&self, now: DateTime<Utc>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).end_before(hour_of(now));
    }

    /// Logs what was not logged yet. Call it when the process ends.
    pub fn log_rest(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).end_before(i64::MAX);
    }
}

impl Hour {
    fn end_before(&mut self, hour: i64) {
        if hour == self.number {
            return;
        }
        let ended = std::mem::replace(self, Self { number: hour, ..Self::default() });
        for (network, requests) in ended.by_network {
            warn!(network, requests, "anonymous requests to operators' paths were refused");
        }
        if ended.others > 0 {
            warn!(requests = ended.others, "anonymous requests from further addresses were refused");
        }
    }
}

fn hour_of(now: DateTime<Utc>) -> i64 {
    now.timestamp() / 3_600
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn refusals_are_summed_by_address_and_hour() {
        let (refusals, start) = (AnonymousRefusals::default(), DateTime::UNIX_EPOCH + TimeDelta::hours(5));
        let count = |n: u16| refusals.count(Some([10, 0, (n >> 8) as u8, (n & 255) as u8].into()), "no_key", start);
        (0..2_000).for_each(count);
        count(7);
        {
            let hour = refusals.0.lock().unwrap();
            assert_eq!((hour.by_network.len(), hour.by_network["10.0.0.7"], hour.others), (1_000, 2, 1_000));
        }
        refusals.log_ended_hour(start + TimeDelta::minutes(59));
        assert_eq!(refusals.0.lock().unwrap().others, 1_000);
        refusals.log_ended_hour(start + TimeDelta::hours(1));
        assert!(refusals.0.lock().unwrap().by_network.is_empty());
    }
}
