use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use audit::Principal;
use billing::PaymentTerms;
use flows::{Database, close_billing_periods};
use kernel::{Clock, error_chain};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::interval::{every, next_tick};

/// Closes billing periods that have ended, and marks subscriptions that were not paid in time. Several may run at once.
#[derive(Clone)]
pub struct Biller {
    pub database: Arc<dyn Database>,
    pub payment: PaymentTerms,
    pub clock: Arc<dyn Clock>,
}

const INTERVAL: Duration = Duration::from_mins(1);

impl Biller {
    /// Runs until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        let mut tick = every(INTERVAL);
        while next_tick(&mut tick, &stop).await {
            self.close().await;
        }
    }

    async fn close(&self) {
        match close_billing_periods(&*self.database, Principal::System, self.payment, &*self.clock).await {
            Ok(done) => {
                if done.invoices > 0 {
                    info!(invoices = done.invoices, "billing periods closed");
                }
                for failure in done.failures {
                    let tenant_id = failure.tenant.to_string();
                    error!(tenant_id, error = error_chain(&failure.error), "closing billing period failed");
                }
            }
            Err(error) => warn!(error = error_chain(&error), "billing run failed"),
        }
    }
}

impl fmt::Debug for Biller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Biller").field("payment", &self.payment).finish_non_exhaustive()
    }
}
