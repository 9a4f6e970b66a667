use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use flows::{Database, SigningKeys};
use kernel::{Clock, Entropy, error_chain};
use metrics::gauge;
use tokens::{KeyState, SigningKey};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::metrics::SIGNING_KEY_AGE;
use crate::ticks::{comes, every};

/// Keeps what a process knows of the signing keys current, and moves the keys on when it is time. Any number of them may run
/// side by side.
#[derive(Clone)]
pub struct KeyKeeper {
    pub database: Arc<dyn Database>,
    pub keys: Arc<SigningKeys>,
    pub entropy: Arc<dyn Entropy>,
    pub clock: Arc<dyn Clock>,
    /// How often the database is asked.
    pub poll: Duration,
}

impl KeyKeeper {
    /// Runs until it is told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut tick = every(self.poll);
        while comes(&mut tick, &stop).await {
            match self.keys.keep(&*self.database, &*self.entropy, &*self.clock).await {
                Ok(advanced) => {
                    for moved in advanced.done {
                        info!(kid = moved.kid, state = moved.to.key(), "a signing key goes on");
                    }
                    measure(&advanced.keys, self.clock.now());
                }
                // What is known goes on, until tokens of a newer key come.
                Err(error) => error!(error = error_chain(&error), "the signing keys were not read"),
            }
        }
    }
}

/// Of those that are accepted, the oldest in each state; 0 where there is none.
fn measure(keys: &[SigningKey], now: DateTime<Utc>) {
    for state in KeyState::ALL.into_iter().filter(|state| state.is_accepted()) {
        let oldest = keys.iter().filter(|key| key.state == state).map(|key| key.since).min();
        let age = oldest.and_then(|since| (now - since).to_std().ok()).unwrap_or(Duration::ZERO);
        gauge!(SIGNING_KEY_AGE, "state" => state.key()).set(age.as_secs_f64());
    }
}

impl fmt::Debug for KeyKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyKeeper").field("poll", &self.poll).finish_non_exhaustive()
    }
}
