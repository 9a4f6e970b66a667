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

use crate::interval::{every, next_tick};
use crate::metrics::SIGNING_KEY_AGE;

/// Reloads the process's signing keys, and rotates the keys when they are due. Several may run at once.
#[derive(Clone)]
pub struct KeyRotator {
    pub database: Arc<dyn Database>,
    pub keys: Arc<SigningKeys>,
    pub entropy: Arc<dyn Entropy>,
    pub clock: Arc<dyn Clock>,
    /// The time between reloads.
    pub poll: Duration,
}

impl KeyRotator {
    /// Runs until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        let mut tick = every(self.poll);
        while next_tick(&mut tick, &stop).await {
            match self.keys.keep(&*self.database, &*self.entropy, &*self.clock).await {
                Ok(advanced) => {
                    for moved in advanced.done {
                        info!(kid = moved.kid, state = moved.to.into_str(), "signing key changed state");
                    }
                    measure(&advanced.keys, self.clock.now());
                }
                // The loaded keys stay in use. Tokens of newer keys are refused until the next reload.
                Err(error) => error!(error = error_chain(&error), "reloading signing keys failed"),
            }
        }
    }
}

/// Sets the age of the oldest key in each accepted state; 0 if there is none.
fn measure(keys: &[SigningKey], now: DateTime<Utc>) {
    for state in KeyState::ALL.iter().filter(|state| state.is_accepted()) {
        let oldest = keys.iter().filter(|key| key.state == *state).map(|key| key.since).min();
        let age = oldest.and_then(|since| (now - since).to_std().ok()).unwrap_or(Duration::ZERO);
        gauge!(SIGNING_KEY_AGE, "state" => state.into_str()).set(age.as_secs_f64());
    }
}

impl fmt::Debug for KeyRotator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRotator").field("poll", &self.poll).finish_non_exhaustive()
    }
}
