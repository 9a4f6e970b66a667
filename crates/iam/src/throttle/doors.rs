use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Duration, timeout};

use super::{Counted, ThrottleKey};

type Open = Mutex<HashMap<ThrottleKey, Arc<Semaphore>>>;

/// Where the tries of one process wait for each other, in the order they came: as many pass at a time as may fail. Only the
/// tallies in the database decide; this saves asking them again and again.
#[derive(Clone, Default)]
pub struct Doors(Arc<Open>);

/// Somebody is inside; dropping it lets the next one in.
#[must_use]
#[derive(Debug)]
pub struct Passage(#[expect(dead_code, reason = "held until the try ends")] Vec<Door>);

/// It took too long.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("too many tries are waiting for each other")]
pub struct NoPassage;

impl Doors {
    /// As long as a client may be expected to wait.
    pub const PATIENCE: Duration = Duration::from_secs(10);

    /// Waits until there is room for one more.
    ///
    /// # Errors
    /// [`NoPassage`] after [`Self::PATIENCE`].
    pub async fn enter(&self, counted: &[Counted]) -> Result<Passage, NoPassage> {
        // In one order, so that nobody waits for each other; the narrowest door first, so that no one crowd fills the wide
        // ones.
        let mut counted = counted.to_vec();
        counted.sort_by_key(|counted| (counted.limit.tries, counted.key));
        let enter_all = async {
            let mut doors = Vec::with_capacity(counted.len());
            for Counted { key, limit, .. } in counted {
                let mut door = self.door(key, limit.tries);
                door.enter().await?;
                doors.push(door);
            }
            Ok(Passage(doors))
        };
        timeout(Self::PATIENCE, enter_all).await.unwrap_or(Err(NoPassage))
    }

    fn door(&self, key: ThrottleKey, width: usize) -> Door {
        let mut open = lock(&self.0);
        let room = open.entry(key).or_insert_with(|| Arc::new(Semaphore::new(width)));
        Door { open: Arc::clone(&self.0), key, room: Some(Arc::clone(room)), permit: None }
    }
}

/// One that is waited at or passed. The last one to leave takes it away.
struct Door {
    open: Arc<Open>,
    key: ThrottleKey,
    room: Option<Arc<Semaphore>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Door {
    async fn enter(&mut self) -> Result<(), NoPassage> {
        let room = self.room.clone().ok_or(NoPassage)?;
        self.permit = Some(room.acquire_owned().await.map_err(|_| NoPassage)?);
        Ok(())
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        drop(self.permit.take());
        let mut open = lock(&self.open);
        drop(self.room.take());
        // Nobody can take another one while we have the list.
        if open.get(&self.key).is_some_and(|room| Arc::strong_count(room) == 1) {
            open.remove(&self.key);
        }
    }
}

fn lock(open: &Open) -> MutexGuard<'_, HashMap<ThrottleKey, Arc<Semaphore>>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Doors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doors").finish_non_exhaustive()
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("key", &self.key).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Throttle;
    use super::*;

    #[tokio::test]
    async fn as_many_pass_as_may_fail_and_the_last_one_leaves_nothing() {
        let throttle = Throttle::new(&vec![7; 32].into());
        let email = crate::Email::parse("ada@x.example").unwrap();
        let counted = throttle.of_account("acme", &email, None);
        let mut inside = Vec::new();
        for _ in 0..5 {
            inside.push(throttle.doors.enter(&counted).await.unwrap());
        }
        let enter = || {
            let (doors, counted) = (throttle.doors.clone(), counted.clone());
            tokio::spawn(async move { doors.enter(&counted).await })
        };
        let (sixth, hangs_up) = (enter(), enter());
        tokio::task::yield_now().await;
        assert!(!sixth.is_finished(), "the sixth waits");
        hangs_up.abort();
        inside.pop();
        let sixth = sixth.await.unwrap().unwrap();
        assert!(hangs_up.await.is_err());
        assert_eq!(lock(&throttle.doors.0).len(), 2);
        drop((inside, sixth));
        assert!(lock(&throttle.doors.0).is_empty());
    }
}
