//! The sender: leases numbers that have something to send, and works each in a task of its own.
//!
//! - [`bells`]: wakes the task of a number when something is to be sent.
//! - [`number_sender`]: one number: its pace, its turns, the calls in flight, their settlement.
//! - [`call`]: one call to Meta.

mod bells;
mod call;
mod dependencies;
mod number_sender;
mod token;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::TimeDelta;
use flows::{LeasedNumber, SendBell as _, settle};
use kernel::ids::{AccountId, SenderId};
use kernel::{StoreError, error_chain};
use outbound::{SendLedger, SenderLease};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::backoff::Backoff;
pub use bells::NumberBells;
pub use dependencies::Sender;
use number_sender::NumberSender;

/// How long a number stays with a sender that has died.
const LEASE: TimeDelta = TimeDelta::seconds(10);
/// How often due sends are looked for. A bell reaches the senders of its own process only.
const SWEEP_INTERVAL: Duration = Duration::from_millis(200);
/// How often leases are renewed while calls in flight end.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(1);
/// How often a sender says that it runs.
const REPORT_INTERVAL: Duration = Duration::from_secs(2);
/// Numbers that one sender leases at a time.
const MAX_NUMBERS: i64 = 1_000;

/// The tasks of the leased numbers.
#[derive(Default)]
struct Numbers {
    tasks: JoinSet<()>,
    running: HashSet<AccountId>,
    accounts: HashMap<Id, AccountId>,
}

impl Sender {
    /// Runs until `stop` is cancelled, then lets calls in flight end, and releases its numbers.
    pub async fn run(self, stop: CancellationToken) {
        let holder = SenderId::new(&*self.clock);
        let (mut numbers, mut backoff) = (Numbers::default(), Backoff::new());
        let mut reported = None;
        while !stop.is_cancelled() {
            while let Some(ended) = numbers.tasks.try_join_next_with_id() {
                numbers.ended(ended, &self.bells);
            }
            let now = Instant::now();
            let report = reported.is_none_or(|at| now.duration_since(at) >= REPORT_INTERVAL);
            match self.lease_numbers(holder, report).await {
                Ok(leased) => {
                    backoff.reset();
                    if report {
                        reported = Some(now);
                    }
                    for lease in leased {
                        self.work(&mut numbers, lease, holder, &stop);
                    }
                    tokio::select! {
                        () = stop.cancelled() => {}
                        _ = timeout(SWEEP_INTERVAL, self.bells.unleased()) => {}
                    }
                }
                Err(error) => {
                    warn!(error = error_chain(&error), "looking for due sends failed; retrying");
                    backoff.pause(&stop).await;
                }
            }
        }
        self.finish(&mut numbers, holder).await;
    }

    /// Lets the tasks of the numbers end. They keep their leases, as calls may take long.
    async fn finish(&self, numbers: &mut Numbers, holder: SenderId) {
        if let Err(error) = self.remove(holder).await {
            warn!(error = error_chain(&error), "leaving the list of senders failed; it ends by itself");
        }
        while !numbers.tasks.is_empty() {
            match timeout(RENEWAL_INTERVAL, numbers.tasks.join_next_with_id()).await {
                Ok(ended) => ended.into_iter().for_each(|ended| numbers.ended(ended, &self.bells)),
                Err(_) => {
                    if let Err(error) = self.renew_leases(holder).await {
                        warn!(error = error_chain(&error), "renewing the leases of numbers failed; retrying");
                    }
                }
            }
        }
    }

    async fn remove(&self, holder: SenderId) -> Result<(), StoreError> {
        let mut tx = self.database.directory().await?;
        let outcome = SendLedger::remove_sender(&mut *tx, holder).await;
        settle(tx, outcome).await
    }

    async fn renew_leases(&self, holder: SenderId) -> Result<(), StoreError> {
        let mut tx = self.database.directory().await?;
        let outcome = SendLedger::renew_leases(&mut *tx, holder, LEASE).await.map(|_| ());
        settle(tx, outcome).await
    }

    /// Leases numbers with due sends. Those that this sender has already are among them, with a longer lease.
    async fn lease_numbers(&self, holder: SenderId, report: bool) -> Result<Vec<SenderLease>, StoreError> {
        let now = self.clock.now();
        let mut tx = self.database.directory().await?;
        let outcome = async {
            if report {
                SendLedger::report_sender(&mut *tx, holder, LEASE).await?;
            }
            SendLedger::renew_leases(&mut *tx, holder, LEASE).await?;
            SendLedger::lease_numbers(&mut *tx, holder, now, LEASE, MAX_NUMBERS).await
        }
        .await;
        settle(tx, outcome).await
    }

    /// Starts the task of a number, or wakes it.
    fn work(&self, numbers: &mut Numbers, lease: SenderLease, holder: SenderId, stop: &CancellationToken) {
        if !numbers.running.insert(lease.account) {
            self.bells.ring(lease.account);
            return;
        }
        let number = LeasedNumber { account: lease.account, holder };
        debug!(account_id = %lease.account, "number leased");
        let sender = NumberSender::new(self.clone(), lease.tenant, number);
        let (bell, stop) = (self.bells.of(lease.account), stop.clone());
        let task = numbers.tasks.spawn(sender.run(bell, stop));
        numbers.accounts.insert(task.id(), lease.account);
    }
}

impl Numbers {
    fn ended(&mut self, ended: Result<(Id, ()), JoinError>, bells: &NumberBells) {
        let task = ended.as_ref().map_or_else(JoinError::id, |(task, ())| *task);
        let account = self.accounts.remove(&task);
        if let Err(error) = ended {
            let account_id = account.map(tracing::field::display);
            warn!(account_id, %error, "sending for a number failed; it begins again");
        }
        if let Some(account) = account {
            self.running.remove(&account);
            bells.forget(account);
        }
    }
}
