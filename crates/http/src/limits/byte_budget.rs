use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The memory that all requests of the process may use together for one purpose.
#[derive(Clone, Debug)]
pub(crate) struct ByteBudget(Arc<Semaphore>);

/// Bytes of the budget; they return to it when this is dropped.
#[derive(Debug)]
pub(crate) struct ReservedBytes {
    budget: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
}

/// The budget is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the memory for bodies is used up")]
pub(crate) struct BudgetUsedUp;

/// The budget is counted in these: a permit counts in 32 bits.
const UNIT: usize = 1_024;

impl ByteBudget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / UNIT).min(Semaphore::MAX_PERMITS))))
    }

    /// A reservation of nothing, which grows.
    pub(crate) fn reservation(&self) -> ReservedBytes {
        ReservedBytes { budget: Arc::clone(&self.0), permit: None }
    }

    #[cfg(test)]
    pub(crate) fn available(&self) -> usize {
        self.0.available_permits() * UNIT
    }
}

impl ReservedBytes {
    /// Reserves more, up to `bytes` in all.
    ///
    /// # Errors
    /// [`BudgetUsedUp`]; what was reserved before stays reserved.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<(), BudgetUsedUp> {
        let reserved = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = u32::try_from(bytes.div_ceil(UNIT).saturating_sub(reserved)).map_err(|_| BudgetUsedUp)?;
        let more = Arc::clone(&self.budget).try_acquire_many_owned(more).map_err(|_| BudgetUsedUp)?;
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservation_grows_within_the_budget_and_returns() {
        let budget = ByteBudget::new(10 * UNIT);
        let (mut one, mut other) = (budget.reservation(), budget.reservation());
        one.grow_to(6 * UNIT - 5).unwrap();
        one.grow_to(3).unwrap();
        assert_eq!(budget.available(), 4 * UNIT);
        other.grow_to(4 * UNIT).unwrap();
        assert_eq!(other.grow_to(4 * UNIT + 1), Err(BudgetUsedUp));
        drop(one);
        other.grow_to(10 * UNIT).unwrap();
        drop(other);
        assert_eq!(budget.available(), 10 * UNIT);
    }
}
