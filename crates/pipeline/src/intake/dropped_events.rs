use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use inbound::IncomingEvent;
use kernel::ids::EventId;
use metrics::counter;
use tracing::warn;
use whatsapp::MetaAppKey;

use crate::metrics::DROPPED;

/// Reports unusable events that were dropped: counts them, and logs each app once an hour.
#[derive(Debug, Default)]
pub(super) struct DroppedEvents {
    logged: Mutex<LoggedApps>,
}

/// The apps that were logged in an hour.
#[derive(Debug, Default)]
struct LoggedApps {
    /// Hours since 1970.
    hour: i64,
    apps: HashSet<MetaAppKey>,
}

impl DroppedEvents {
    /// Reports the events of a batch that were dropped.
    pub(super) fn report(&self, batch: &[IncomingEvent], dropped: &[EventId], now: DateTime<Utc>) {
        if dropped.is_empty() {
            return;
        }
        counter!(DROPPED).increment(dropped.len() as u64);
        let dropped: HashSet<EventId> = dropped.iter().copied().collect();
        for incoming in batch.iter().filter(|incoming| dropped.contains(&incoming.event.id)) {
            if self.is_new(&incoming.app, now) {
                warn!(
                    app = incoming.app.as_str(),
                    phone_number_id = incoming.event.phone_number_id,
                    "quota of unusable events exceeded; events dropped"
                );
            }
        }
    }

    /// Whether the app was not logged in this hour.
    fn is_new(&self, app: &MetaAppKey, now: DateTime<Utc>) -> bool {
        let hour = now.timestamp() / 3_600;
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.hour != hour {
            *logged = LoggedApps { hour, apps: HashSet::new() };
        }
        logged.apps.insert(app.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn app_is_logged_once_an_hour() {
        let dropped = DroppedEvents::default();
        let at = |minute: i64| DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap();
        let [first, second] = ["a", "b"].map(|key| MetaAppKey::from_stored(key.to_owned()));
        let logged = [(&first, 0), (&first, 1), (&second, 2), (&first, 59), (&first, 60), (&second, 61)]
            .map(|(app, minute)| dropped.is_new(app, at(minute)));
        assert_eq!(logged, [true, false, true, false, true, true]);
    }
}
