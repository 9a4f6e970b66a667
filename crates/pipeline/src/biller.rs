use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use audit::Actor;
use billing::PaymentTerms;
use flows::{Database, close_periods};
use kernel::{Clock, error_chain};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::ticks::{comes, every};

/// Closes the periods of subscriptions after they have ended, and notes who has not paid in time. Any number of them may run
/// side by side.
#[derive(Clone)]
pub struct Biller {
    pub database: Arc<dyn Database>,
    pub payment: PaymentTerms,
    pub clock: Arc<dyn Clock>,
}

const INTERVAL: Duration = Duration::from_mins(1);

impl Biller {
    /// Runs until it is told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut tick = every(INTERVAL);
        while comes(&mut tick, &stop).await {
            self.close().await;
        }
    }

    async fn close(&self) {
        match close_periods(&*self.database, Actor::System, self.payment, &*self.clock).await {
            Ok(done) => {
                if done.invoices > 0 {
                    info!(invoices = done.invoices, "periods that have ended are closed");
                }
                for failure in done.failures {
                    let tenant_id = failure.tenant.to_string();
                    error!(tenant_id, error = error_chain(&failure.error), "a period was not closed");
                }
            }
            Err(error) => warn!(error = error_chain(&error), "nobody looked for periods that have ended"),
        }
    }
}

impl fmt::Debug for Biller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Biller").field("payment", &self.payment).finish_non_exhaustive()
    }
}
