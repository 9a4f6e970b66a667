use chrono::{DateTime, TimeDelta, Utc};
use iam::{Counted, Doors, HashError, NoPassage, Passage, Tally, ThrottleKey, ThrottleRepo, Verdict};
use kernel::StoreError;
use tokio::time::{Duration, Instant, sleep};

use crate::{Identity, TokensError, settle};

/// Too many tries failed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many tries failed")]
pub struct Throttled {
    /// At least a second.
    pub retry_after: TimeDelta,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ReserveError {
    #[error(transparent)]
    Throttled(#[from] Throttled),
    #[error(transparent)]
    Failed(#[from] TokensError),
}

/// How a try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Try {
    Right,
    Wrong,
    /// It came to nothing, through no fault of who tried.
    None,
}

/// The right to try once, which is settled when it is known how that ended.
pub(crate) struct Slot {
    counted: Vec<Counted>,
    reserved_at: DateTime<Utc>,
    /// Whoever waits in this process goes on when the slot is settled.
    _passage: Passage,
}

/// How long until tries of other processes are looked at again.
const INTERVAL: Duration = Duration::from_millis(100);

impl Identity {
    /// Waits for a slot, and takes it before anything else is done: from then on the try is counted, whatever becomes of this
    /// process.
    pub(crate) async fn reserve(&self, counted: Vec<Counted>) -> Result<Slot, ReserveError> {
        let passage = self.throttle.doors.enter(&counted).await.map_err(|NoPassage| busy())?;
        let now = self.clock.now();
        if self.database.begin_calm_try(&counted, now).await.map_err(TokensError::from)? {
            return Ok(Slot { counted, reserved_at: now, _passage: passage });
        }
        let deadline = Instant::now() + Doors::PATIENCE;
        loop {
            let now = self.clock.now();
            let mut tx = self.database.operator().await.map_err(TokensError::from)?;
            let outcome = reserve(&mut *tx, &counted, now).await;
            match settle(tx, outcome).await {
                Ok(()) => return Ok(Slot { counted, reserved_at: now, _passage: passage }),
                Err(NoSlot::Refused(throttled)) => return Err(throttled.into()),
                Err(NoSlot::Store(error)) => return Err(TokensError::from(error).into()),
                Err(NoSlot::Taken) if Instant::now() >= deadline => return Err(busy().into()),
                // In this process nobody is in front of us; what happens in others nobody tells.
                Err(NoSlot::Taken) => sleep(INTERVAL).await,
            }
        }
    }

    /// Counts how a try ended, and lets the next one in.
    pub(crate) async fn settle_try(&self, slot: Slot, outcome: Try) -> Result<(), TokensError> {
        if outcome != Try::Wrong && self.database.end_calm_try(&slot.counted, slot.reserved_at).await? {
            return Ok(());
        }
        let mut tx = self.database.operator().await?;
        let done = count(&mut *tx, &slot, outcome, self.clock.now()).await;
        Ok(settle(tx, done).await?)
    }
}

fn busy() -> TokensError {
    HashError::Busy.into()
}

/// Why a slot was not taken. As an error, so that the transaction is rolled back: who is refused leaves nothing behind.
#[derive(Debug, thiserror::Error)]
enum NoSlot {
    #[error("all slots are taken")]
    Taken,
    #[error(transparent)]
    Refused(#[from] Throttled),
    #[error(transparent)]
    Store(#[from] StoreError),
}

async fn reserve(repo: &mut dyn ThrottleRepo, counted: &[Counted], now: DateTime<Utc>) -> Result<(), NoSlot> {
    let mut tallies = repo.lock_tallies(&keys(counted), now).await?;
    let verdicts = counted.iter().zip(&mut tallies).map(|(counted, tally)| tally.verdict(counted.limit, now));
    match verdicts.fold(Verdict::Free, worse) {
        Verdict::Free => {}
        Verdict::Wait => return Err(NoSlot::Taken),
        Verdict::Refuse(retry_after) => return Err(Throttled { retry_after }.into()),
    }
    for tally in &mut tallies {
        tally.reserve(now);
    }
    repo.save_tallies(&together(counted, tallies), now).await?;
    Ok(())
}

fn worse(one: Verdict, other: Verdict) -> Verdict {
    match (one, other) {
        (Verdict::Refuse(one), Verdict::Refuse(other)) => Verdict::Refuse(one.max(other)),
        (refuse @ Verdict::Refuse(_), _) | (_, refuse @ Verdict::Refuse(_)) => refuse,
        (Verdict::Free, Verdict::Free) => Verdict::Free,
        _ => Verdict::Wait,
    }
}

async fn count(repo: &mut dyn ThrottleRepo, slot: &Slot, outcome: Try, now: DateTime<Utc>) -> Result<(), StoreError> {
    let mut tallies = repo.lock_tallies(&keys(&slot.counted), now).await?;
    for (Counted { limit, cleared_by_success, .. }, tally) in slot.counted.iter().zip(&mut tallies) {
        match outcome {
            Try::Wrong => tally.fail(*limit, slot.reserved_at, now),
            Try::Right | Try::None => tally.give_back(slot.reserved_at),
        }
        if outcome == Try::Right && *cleared_by_success {
            tally.clear();
        }
    }
    repo.save_tallies(&together(&slot.counted, tallies), now).await
}

fn keys(counted: &[Counted]) -> Vec<ThrottleKey> {
    counted.iter().map(|counted| counted.key).collect()
}

fn together(counted: &[Counted], tallies: Vec<Tally>) -> Vec<(Counted, Tally)> {
    counted.iter().copied().zip(tallies).collect()
}
