use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use channels::OpenToken;
use chrono::{DateTime, Utc};
use flows::{LeasedNumber, NumberTurn, Settlement, StartedSend, recover_number, settle, settle_number, take_turn};
use kernel::ids::{SendId, TenantId};
use kernel::{StoreError, TenantScope, error_chain};
use metrics::{counter, histogram};
use outbound::{Credentials, NumberPacer, PairPacer, SendLedger, SendState};
use tokio::sync::Notify;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::call::Caller;
use super::dependencies::Sender;
use super::token::TokenCache;
use crate::backoff::Backoff;
use crate::failpoint;
use crate::metrics::{SEND_ACCEPTED, SEND_ATTEMPTS, SEND_ERRORS, SENDING_PAUSES, SENDS};

/// How far ahead of their departures sends are claimed. What is claimed when the process dies may count as sent.
const LOOK_AHEAD: Duration = Duration::from_millis(25);
/// Sends that are claimed at once.
const MAX_TURN: usize = 64;
/// Calls that wait for Meta at once.
const MAX_IN_FLIGHT: usize = 500;
/// A number that has sent nothing for this long is given back.
const IDLE: Duration = Duration::from_secs(5);
/// After a departure, no other sender may call for this long.
const PACE_MEMORY: Duration = Duration::from_millis(1_050);

/// How long after a failure what was interrupted is looked for: a commit without an answer has its effect by then, or never.
const INTERRUPTED_AFTER: Duration = Duration::from_secs(2);

/// Sends for one number while it has the lease.
pub(super) struct NumberSender {
    sender: Sender,
    scope: TenantScope,
    number: LeasedNumber,
    caller: Arc<Caller>,
    token: TokenCache,
    pacer: NumberPacer,
    pairs: PairPacer<String>,
    started: Instant,
    last_departure: Option<Instant>,
    calls: JoinSet<Settlement>,
    /// Which send each call is of.
    under_way: HashMap<Id, SendId>,
    /// When sends without a call are looked for: at first, and after a failure.
    recover_at: Option<Instant>,
    /// What became of calls and is not stored yet.
    settlements: Vec<Settlement>,
}

/// What to wait for before the next turn.
enum Wait {
    /// Until a departure is free.
    ForPace,
    /// Until that time, a bell, or the end of a call.
    ForWork(Option<DateTime<Utc>>),
    /// The number is another sender's.
    LeaseLost,
}

impl NumberSender {
    #[expect(clippy::disallowed_methods, reason = "the sender works for the tenant that the lease names")]
    pub(super) fn new(sender: Sender, tenant: TenantId, number: LeasedNumber) -> Self {
        let caller = Arc::new(Caller {
            api: Arc::clone(&sender.api),
            attempt_refs: Arc::clone(&sender.attempt_refs),
            clock: Arc::clone(&sender.clock),
            entropy: Arc::clone(&sender.entropy),
            tenant,
            tracing: sender.tracing.clone(),
        });
        Self {
            sender,
            scope: TenantScope::mint(tenant),
            number,
            caller,
            token: TokenCache::default(),
            pacer: NumberPacer::new(NonZeroU32::MIN, Duration::ZERO),
            pairs: PairPacer::default(),
            started: Instant::now(),
            last_departure: None,
            calls: JoinSet::new(),
            under_way: HashMap::new(),
            recover_at: Some(Instant::now()),
            settlements: Vec::new(),
        }
    }

    /// Runs until `stop` is cancelled, the lease is lost, or nothing was to be sent for a while. Calls in flight end first.
    pub(super) async fn run(mut self, bell: Arc<Notify>, stop: CancellationToken) {
        let mut backoff = Backoff::new();
        let mut last_work = Instant::now();
        while !stop.is_cancelled() {
            let wait = match self.turn().await {
                Ok(wait) => {
                    backoff.reset();
                    wait
                }
                Err(error) => {
                    let account_id = self.number.account;
                    warn!(%account_id, error = error_chain(&error), "sending for a number failed; retrying");
                    self.recover_at = Some(Instant::now() + INTERRUPTED_AFTER);
                    backoff.pause(&stop).await;
                    continue;
                }
            };
            match wait {
                Wait::LeaseLost => break,
                Wait::ForPace => {
                    last_work = Instant::now();
                    self.wait_for_pace(&stop).await;
                }
                Wait::ForWork(due) => {
                    if !self.calls.is_empty() {
                        last_work = Instant::now();
                    }
                    if last_work.elapsed() >= IDLE && self.settlements.is_empty() {
                        break;
                    }
                    self.wait_for_work(due, &bell, &stop).await;
                }
            }
        }
        self.finish().await;
    }

    /// Stores what became of calls, and starts what may leave next.
    async fn turn(&mut self) -> Result<Wait, StoreError> {
        self.settle().await?;
        if self.recover_at.is_some_and(|at| at <= Instant::now()) {
            self.recover().await?;
            self.recover_at = None;
        }
        let now = self.now();
        let free = MAX_IN_FLIGHT.saturating_sub(self.calls.len()).min(MAX_TURN);
        let departures = self.pacer.take(now, now + LOOK_AHEAD, free);
        if departures.is_empty() {
            return Ok(Wait::ForPace);
        }
        let turn = self.take_turn(departures.len()).await;
        let (sends, phone_number_id, throughput, has_more, next_due, token_set_at) = match turn {
            Ok(NumberTurn::Started { sends, phone_number_id, throughput, has_more, next_due, token_set_at }) => {
                (sends, phone_number_id, throughput, has_more, next_due, token_set_at)
            }
            other => {
                self.pacer.give_back(departures.len());
                return match other? {
                    NumberTurn::Paused(until) => Ok(Wait::ForWork(until)),
                    _ => Ok(Wait::LeaseLost),
                };
            }
        };
        self.pacer.give_back(departures.len() - sends.len());
        self.pacer.set_throughput(NonZeroU32::new(throughput).unwrap_or(NonZeroU32::MIN));
        failpoint::die_at("sender.claimed");
        let stored_at = Instant::now();
        let Sender { database, ring, .. } = &self.sender;
        let token = if sends.is_empty() {
            None
        } else {
            self.token.get(token_set_at, database, &self.scope, self.number.account, ring).await
        };
        for (send, departure) in sends.into_iter().zip(departures) {
            let leaves_at = self.started + departure;
            self.last_departure = Some(leaves_at.max(stored_at));
            self.spawn(send, &phone_number_id, token.clone(), (stored_at, leaves_at));
        }
        Ok(if has_more { Wait::ForPace } else { Wait::ForWork(next_due) })
    }

    fn spawn(&mut self, send: StartedSend, phone_number_id: &str, token: Option<OpenToken>, times: (Instant, Instant)) {
        let caller = Arc::clone(&self.caller);
        let phone_number_id = phone_number_id.to_owned();
        let id = send.attempt.send;
        let call = self.calls.spawn(async move {
            match token {
                Some(OpenToken { secret, set_at }) => {
                    let credentials = Credentials { phone_number_id, access_token: secret };
                    caller.call(send, (&credentials, set_at), times).await
                }
                None => caller.without_token(send),
            }
        });
        self.under_way.insert(call.id(), id);
    }

    async fn take_turn(&mut self, max: usize) -> Result<NumberTurn, StoreError> {
        let monotonic = self.now();
        let mut tx = self.sender.database.tenant(&self.scope).await?;
        let clock = &*self.sender.clock;
        let outcome = take_turn(&mut *tx, self.number, max, &mut self.pairs, (clock, monotonic)).await;
        if matches!(&outcome, Ok(NumberTurn::Started { sends, .. }) if !sends.is_empty()) {
            failpoint::die_at("sender.before_claim");
        }
        settle(tx, outcome).await
    }

    /// Settles sends that were stored as begun and have no call: of a sender that died, of a commit that had its effect although its
    /// answer was lost, of a call that failed.
    async fn recover(&self) -> Result<(), StoreError> {
        let now = self.sender.clock.now();
        let mut tx = self.sender.database.tenant(&self.scope).await?;
        let under_way: Vec<SendId> =
            self.under_way.values().copied().chain(self.settlements.iter().map(|it| it.send.id)).collect();
        let outcome = recover_number(&mut *tx, self.number.account, &under_way, now).await;
        let interrupted = settle(tx, outcome).await?;
        if interrupted > 0 {
            let account_id = self.number.account;
            warn!(%account_id, sends = interrupted, "sends were interrupted: it is unclear whether Meta has them");
        }
        Ok(())
    }

    /// Stores what has become of calls.
    async fn settle(&mut self) -> Result<(), StoreError> {
        while let Some(ended) = self.calls.try_join_next_with_id() {
            self.collect(ended);
        }
        if self.settlements.is_empty() {
            return Ok(());
        }
        let now = self.sender.clock.now();
        let account = self.number.account;
        failpoint::die_at("sender.before_settle");
        let mut tx = self.sender.database.tenant(&self.scope).await?;
        let outcome = settle_number(&mut *tx, account, &self.settlements, now).await;
        let accepted = settle(tx, outcome).await?;
        failpoint::die_at("sender.settled");
        for send in accepted {
            histogram!(SEND_ACCEPTED).record((now - send.wanted_at).to_std().unwrap_or_default());
        }
        for Settlement { send, pause, .. } in self.settlements.drain(..) {
            let outcome = send.attempt.outcome.map_or("none", <&str>::from);
            counter!(SENDS, "outcome" => outcome, "state" => send.state.into_str()).increment(1);
            if let Some(error) = &send.error {
                counter!(SEND_ERRORS, "class" => error.class.clone()).increment(1);
            }
            if send.state != SendState::Queued {
                histogram!(SEND_ATTEMPTS).record(send.attempt.number);
            }
            debug!(account_id = %account, send_id = %send.id, attempt = send.attempt.number, outcome,
                   state = send.state.into_str(), code = send.attempt.code, "call to Meta settled");
            if let Some(pause) = pause {
                counter!(SENDING_PAUSES, "scope" => pause.scope.into_str()).increment(1);
                info!(account_id = %account, scope = pause.scope.into_str(), code = pause.code,
                      class = pause.class.into_str(), "sending paused");
            }
        }
        Ok(())
    }

    /// A call that panicked is unclear.
    fn collect(&mut self, ended: Result<(Id, Settlement), JoinError>) {
        match ended {
            Ok((call, settlement)) => {
                self.under_way.remove(&call);
                self.settlements.push(settlement);
            }
            Err(error) => {
                self.under_way.remove(&error.id());
                self.recover_at = Some(Instant::now());
                warn!(account_id = %self.number.account, %error, "a call to Meta failed");
            }
        }
    }

    async fn wait_for_pace(&mut self, stop: &CancellationToken) {
        let next = self.started + self.pacer.next(self.now());
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep_until(next - LOOK_AHEAD / 2), if self.calls.len() < MAX_IN_FLIGHT => {}
            Some(ended) = self.calls.join_next_with_id() => self.collect(ended),
        }
    }

    async fn wait_for_work(&mut self, due: Option<DateTime<Utc>>, bell: &Notify, stop: &CancellationToken) {
        let wait =
            due.and_then(|due| (due - self.sender.clock.now()).to_std().ok()).map_or(IDLE, |wait| wait.min(IDLE));
        tokio::select! {
            () = stop.cancelled() => {}
            _ = timeout(wait, bell.notified()) => {}
            Some(ended) = self.calls.join_next_with_id() => self.collect(ended),
        }
    }

    /// Lets calls in flight end, stores what became of them, and releases the number.
    async fn finish(mut self) {
        while let Some(ended) = self.calls.join_next_with_id().await {
            self.collect(ended);
        }
        if let Err(error) = self.settle().await {
            warn!(account_id = %self.number.account, error = error_chain(&error),
                  "storing what became of calls to Meta failed; they count as unclear");
        }
        if let Some(departure) = self.last_departure {
            sleep_until(departure + PACE_MEMORY).await;
        }
        let LeasedNumber { account, holder } = self.number;
        let released = async {
            let mut tx = self.sender.database.directory().await?;
            let outcome = SendLedger::release_leases(&mut *tx, holder, &[account]).await;
            settle(tx, outcome).await
        };
        if let Err(error) = released.await {
            debug!(account_id = %account, error = error_chain(&error), "releasing a number failed; its lease will end");
        }
    }

    /// Time since the task started.
    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}
