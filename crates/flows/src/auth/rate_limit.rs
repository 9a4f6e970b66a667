use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use iam::{
    AttemptCounter, QueuePermit, QueueTimeout, RateLimitBucket, RateLimitDecision, RateLimitKey, RateLimitRepo,
    RateLimiter,
};
use kernel::StoreError;

use crate::{AuthService, AuthServiceError, settle};

/// Too many attempts failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts failed")]
pub struct RateLimited {
    /// At least a second.
    pub retry_after: TimeDelta,
}

/// Too many tenants or users were created, from the address or in the deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many accounts were created")]
pub struct TooManyAccounts {
    /// At least a second.
    pub retry_after: TimeDelta,
}

/// Why an attempt that counts whatever its outcome is was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CountError {
    #[error(transparent)]
    TooManyAccounts(#[from] TooManyAccounts),
    #[error(transparent)]
    Failed(#[from] AuthServiceError),
}

impl From<StoreError> for CountError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ReserveError {
    #[error(transparent)]
    RateLimited(#[from] RateLimited),
    /// Only a bucket that spares known addresses is full.
    #[error("too many attempts failed, and the address is not known")]
    AddressUnknown(RateLimited),
    #[error(transparent)]
    Failed(#[from] AuthServiceError),
}

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttemptOutcome {
    Succeeded,
    Failed,
    /// The attempt ended without a verdict, for example because the database was away; it is not counted.
    Aborted,
}

/// A reserved attempt. It must be finished with its outcome.
pub(crate) struct Reservation {
    buckets: Vec<RateLimitBucket>,
    reserved_at: DateTime<Utc>,
    /// Held until the attempt is finished; the next one of this process then proceeds.
    _permit: QueuePermit,
}

/// How often the counters are read again while attempts of other processes are pending.
const INTERVAL: Duration = Duration::from_millis(100);
/// How often they are read at most, so that the wait ends whatever the clock says.
const MAX_READS: u128 = RateLimiter::MAX_WAIT.as_millis() / INTERVAL.as_millis();
/// How long they are read at most.
const MAX_WAIT: TimeDelta = TimeDelta::seconds(RateLimiter::MAX_WAIT.as_secs().cast_signed());

impl AuthService {
    /// Reserves an attempt before anything else is done. From then on it is counted, even if this process dies.
    pub(crate) async fn reserve_attempt(&self, buckets: Vec<RateLimitBucket>) -> Result<Reservation, ReserveError> {
        let permit =
            self.rate_limiter.queue.acquire(&buckets).await.map_err(|QueueTimeout| AuthServiceError::TooManyPending)?;
        let now = self.clock.now();
        if self.database.try_reserve(&buckets, now).await.map_err(AuthServiceError::from)? {
            return Ok(Reservation { buckets, reserved_at: now, _permit: permit });
        }
        let started_at = now;
        for _ in 0..MAX_READS {
            let now = self.clock.now();
            let mut tx = self.database.operator().await.map_err(AuthServiceError::from)?;
            let outcome = reserve_slots(&mut *tx, &buckets, now).await;
            match settle(tx, outcome).await {
                Ok(()) => return Ok(Reservation { buckets, reserved_at: now, _permit: permit }),
                Err(ReserveRefusal::RateLimited(refusal)) => return Err(refusal.into()),
                Err(ReserveRefusal::AddressUnknown(refusal)) => return Err(ReserveError::AddressUnknown(refusal)),
                Err(ReserveRefusal::Store(error)) => return Err(AuthServiceError::from(error).into()),
                // A slow database makes the reads take longer than the intervals between them.
                Err(ReserveRefusal::Pending) if now - started_at >= MAX_WAIT => break,
                // The queue orders attempts of this process; those of others are only visible in the counters.
                Err(ReserveRefusal::Pending) => self.timer.sleep(INTERVAL).await,
            }
        }
        Err(AuthServiceError::TooManyPending.into())
    }

    /// Counts an attempt whose outcome does not matter.
    pub(crate) async fn count_attempt(&self, buckets: &[RateLimitBucket]) -> Result<(), CountError> {
        if buckets.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let mut tx = self.database.operator().await.map_err(AuthServiceError::from)?;
        let outcome = count_in(&mut *tx, buckets, now).await;
        settle(tx, outcome).await
    }

    /// Counts the outcome of an attempt and releases its permit.
    pub(crate) async fn finish_attempt(
        &self,
        reservation: Reservation,
        outcome: AttemptOutcome,
    ) -> Result<(), AuthServiceError> {
        if outcome != AttemptOutcome::Failed
            && self.database.try_release(&reservation.buckets, reservation.reserved_at).await?
        {
            return Ok(());
        }
        let mut tx = self.database.operator().await?;
        let done = count(&mut *tx, &reservation, outcome, self.clock.now()).await;
        Ok(settle(tx, done).await?)
    }
}

/// Why an attempt was not reserved. An error, so that the transaction is rolled back.
#[derive(Debug, thiserror::Error)]
enum ReserveRefusal {
    #[error("attempts whose outcome is not known yet use up the limit")]
    Pending,
    #[error(transparent)]
    RateLimited(#[from] RateLimited),
    #[error("too many attempts failed, and the address is not known")]
    AddressUnknown(RateLimited),
    #[error(transparent)]
    Store(#[from] StoreError),
}

async fn reserve_slots(
    repo: &mut dyn RateLimitRepo,
    buckets: &[RateLimitBucket],
    now: DateTime<Utc>,
) -> Result<(), ReserveRefusal> {
    let mut counters = repo.lock_attempt_counters(&keys(buckets), now).await?;
    let (mut verdict, mut verdict_for_strangers) = (RateLimitDecision::Allowed, RateLimitDecision::Allowed);
    for (bucket, counter) in buckets.iter().zip(&mut counters) {
        let decision = counter.decide(bucket.limit, now);
        let verdict = if bucket.spares_known_addresses { &mut verdict_for_strangers } else { &mut verdict };
        *verdict = worse(*verdict, decision);
    }
    match (verdict, verdict_for_strangers) {
        (RateLimitDecision::Refused(retry_after), _) => return Err(RateLimited { retry_after }.into()),
        (_, RateLimitDecision::Refused(retry_after)) => {
            return Err(ReserveRefusal::AddressUnknown(RateLimited { retry_after }));
        }
        (RateLimitDecision::Wait, _) | (_, RateLimitDecision::Wait) => return Err(ReserveRefusal::Pending),
        (RateLimitDecision::Allowed, RateLimitDecision::Allowed) => {}
    }
    for counter in &mut counters {
        counter.reserve(now);
    }
    repo.save_attempt_counters(&together(buckets, counters), now).await?;
    Ok(())
}

/// Counts an attempt in all buckets, or in none if one of them refuses it.
async fn count_in(
    repo: &mut dyn RateLimitRepo,
    buckets: &[RateLimitBucket],
    now: DateTime<Utc>,
) -> Result<(), CountError> {
    let counters = repo.lock_attempt_counters(&keys(buckets), now).await;
    let mut counters = counters.map_err(AuthServiceError::from)?;
    let verdicts = buckets.iter().zip(&mut counters).map(|(bucket, counter)| counter.decide(bucket.limit, now));
    if let RateLimitDecision::Refused(retry_after) = verdicts.fold(RateLimitDecision::Allowed, worse) {
        return Err(TooManyAccounts { retry_after }.into());
    }
    for (bucket, counter) in buckets.iter().zip(&mut counters) {
        counter.count_attempt(bucket.limit, now);
    }
    repo.save_attempt_counters(&together(buckets, counters), now).await.map_err(AuthServiceError::from)?;
    Ok(())
}

fn worse(one: RateLimitDecision, other: RateLimitDecision) -> RateLimitDecision {
    match (one, other) {
        (RateLimitDecision::Refused(one), RateLimitDecision::Refused(other)) => {
            RateLimitDecision::Refused(one.max(other))
        }
        (refuse @ RateLimitDecision::Refused(_), _) | (_, refuse @ RateLimitDecision::Refused(_)) => refuse,
        (RateLimitDecision::Allowed, RateLimitDecision::Allowed) => RateLimitDecision::Allowed,
        _ => RateLimitDecision::Wait,
    }
}

async fn count(
    repo: &mut dyn RateLimitRepo,
    reservation: &Reservation,
    outcome: AttemptOutcome,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut counters = repo.lock_attempt_counters(&keys(&reservation.buckets), now).await?;
    for (RateLimitBucket { limit, cleared_by_success, .. }, counter) in reservation.buckets.iter().zip(&mut counters) {
        match outcome {
            AttemptOutcome::Failed => counter.record_failure(*limit, reservation.reserved_at, now),
            AttemptOutcome::Succeeded | AttemptOutcome::Aborted => counter.release(reservation.reserved_at),
        }
        if outcome == AttemptOutcome::Succeeded && *cleared_by_success {
            counter.reset();
        }
    }
    repo.save_attempt_counters(&together(&reservation.buckets, counters), now).await
}

fn keys(buckets: &[RateLimitBucket]) -> Vec<RateLimitKey> {
    buckets.iter().map(|bucket| bucket.key).collect()
}

fn together(buckets: &[RateLimitBucket], counters: Vec<AttemptCounter>) -> Vec<(RateLimitBucket, AttemptCounter)> {
    buckets.iter().copied().zip(counters).collect()
}

#[cfg(test)]
mod tests {
    use iam::Email;

    use super::*;
    use crate::fake::{FakeCounters, FakeStore, at, auth_service, run};

    /// The buckets of the address, and of the account at the address.
    fn account_buckets() -> Vec<RateLimitBucket> {
        let email = Email::parse("owner@acme.example").unwrap();
        auth_service(&mut FakeStore::new()).rate_limiter.account_buckets("acme", &email, None)
    }

    fn reserve_at(counters: &mut FakeCounters, second: i64) -> Result<Reservation, ReserveRefusal> {
        let (buckets, reserved_at) = (account_buckets(), at(second));
        run(reserve_slots(counters, &buckets, reserved_at))?;
        Ok(Reservation { buckets, reserved_at, _permit: QueuePermit::new(()) })
    }

    fn finish(counters: &mut FakeCounters, reservation: &Reservation, outcome: AttemptOutcome) {
        run(count(counters, reservation, outcome, reservation.reserved_at)).unwrap();
    }

    fn failures(counters: &FakeCounters) -> Vec<usize> {
        account_buckets().iter().map(|bucket| counters.0[&bucket.key].failures.len()).collect()
    }

    #[test]
    fn sixth_attempt_waits_for_five_pending_ones() {
        let mut counters = FakeCounters::default();
        let pending: Vec<_> = (0..5).map(|second| reserve_at(&mut counters, second).unwrap()).collect();
        assert!(matches!(reserve_at(&mut counters, 5), Err(ReserveRefusal::Pending)));
        finish(&mut counters, &pending[0], AttemptOutcome::Aborted);
        assert!(reserve_at(&mut counters, 5).is_ok(), "an aborted attempt does not count");
    }

    #[test]
    fn five_failures_refuse_the_next_attempt() {
        let mut counters = FakeCounters::default();
        for second in 0..5 {
            let reservation = reserve_at(&mut counters, second).unwrap();
            finish(&mut counters, &reservation, AttemptOutcome::Failed);
        }
        let Err(ReserveRefusal::RateLimited(refused)) = reserve_at(&mut counters, 5) else { panic!("not refused") };
        assert_eq!(refused.retry_after, TimeDelta::seconds(299), "five minutes after the fifth failure");
        assert_eq!(failures(&counters), [5, 5], "a refused attempt does not count");
    }

    #[test]
    fn success_clears_the_account_but_not_the_address() {
        let mut counters = FakeCounters::default();
        let failed = reserve_at(&mut counters, 0).unwrap();
        finish(&mut counters, &failed, AttemptOutcome::Failed);
        let succeeded = reserve_at(&mut counters, 1).unwrap();
        finish(&mut counters, &succeeded, AttemptOutcome::Succeeded);
        assert_eq!(failures(&counters), [1, 0]);
    }

    /// An attempt on the account from one of many addresses.
    fn guess(counters: &mut FakeCounters, address: u8, second: i64) -> Result<(), ReserveRefusal> {
        let email = Email::parse("owner@acme.example").unwrap();
        let limiter = auth_service(&mut FakeStore::new()).rate_limiter;
        let buckets = limiter.login_buckets("acme", &email, Some([192, 0, 2, address].into()));
        let reserved_at = at(second);
        run(reserve_slots(counters, &buckets, reserved_at))?;
        let reservation = Reservation { buckets, reserved_at, _permit: QueuePermit::new(()) };
        finish(counters, &reservation, AttemptOutcome::Failed);
        Ok(())
    }

    #[test]
    fn guesses_from_many_addresses_are_bounded_together() {
        let mut counters = FakeCounters::default();
        for address in 0..50 {
            guess(&mut counters, address, i64::from(address)).unwrap();
        }
        let Err(ReserveRefusal::AddressUnknown(refused)) = guess(&mut counters, 51, 60) else { panic!("not refused") };
        assert_eq!(refused.retry_after, TimeDelta::seconds(3_540), "an hour after the first");
        guess(&mut counters, 51, 3_600).unwrap();
        // The limit of an address comes first: it holds for known addresses, too.
        for second in 0..4 {
            guess(&mut counters, 51, 8_000 + second).unwrap();
        }
        guess(&mut counters, 51, 8_004).unwrap();
        assert!(matches!(guess(&mut counters, 51, 8_005), Err(ReserveRefusal::RateLimited(_))));
    }

    #[test]
    fn sign_ups_count_whatever_their_outcome() {
        let mut counters = FakeCounters::default();
        let buckets = auth_service(&mut FakeStore::new()).rate_limiter.signup_buckets(None);
        for second in 0..10 {
            run(count_in(&mut counters, &buckets, at(second))).unwrap();
        }
        let Err(CountError::TooManyAccounts(refused)) = run(count_in(&mut counters, &buckets, at(10))) else {
            panic!("not refused")
        };
        assert_eq!(refused.retry_after, TimeDelta::seconds(3_590));
        let counted: Vec<usize> = buckets.iter().map(|bucket| counters.0[&bucket.key].failures.len()).collect();
        assert_eq!(counted, [10, 10], "a refused one does not count");
    }

    #[test]
    fn longest_refusal_of_all_buckets_counts() {
        let refused = |seconds| RateLimitDecision::Refused(TimeDelta::seconds(seconds));
        assert_eq!(worse(refused(1), refused(2)), refused(2));
        assert_eq!(worse(RateLimitDecision::Wait, refused(2)), refused(2));
        assert_eq!(worse(RateLimitDecision::Allowed, RateLimitDecision::Wait), RateLimitDecision::Wait);
        assert_eq!(worse(RateLimitDecision::Allowed, RateLimitDecision::Allowed), RateLimitDecision::Allowed);
    }
}
