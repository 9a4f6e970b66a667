use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Bounds the work that is done at once for each key, such as a tenant. Further work waits, first in first out; a bounded number
/// of it for a bounded time.
pub(crate) struct KeyedSlots<K> {
    keys: Arc<Mutex<HashMap<K, Key>>>,
    slots: usize,
    max_waiting: usize,
    max_wait: Duration,
}

struct Key {
    semaphore: Arc<Semaphore>,
    /// Work that holds a slot or waits for one. The key is removed with the last.
    users: usize,
}

/// Too much work of the key waits, or it waited for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotsTaken;

/// A slot of a key; it is free when this is dropped.
pub(crate) struct Slot<K: Eq + Hash> {
    keys: Arc<Mutex<HashMap<K, Key>>>,
    key: K,
    permit: Option<OwnedSemaphorePermit>,
}

impl<K: Clone + Eq + Hash> KeyedSlots<K> {
    pub(crate) fn new(slots: usize, max_waiting: usize, max_wait: Duration) -> Self {
        Self { keys: Arc::default(), slots, max_waiting, max_wait }
    }

    /// Waits for a slot.
    ///
    /// # Errors
    /// [`SlotsTaken`].
    pub(crate) async fn acquire(&self, key: K) -> Result<Slot<K>, SlotsTaken> {
        let (mut slot, semaphore) = self.enter(key)?;
        let permit = timeout(self.max_wait, semaphore.acquire_owned()).await;
        slot.permit = Some(permit.map_err(|_| SlotsTaken)?.map_err(|_| SlotsTaken)?);
        Ok(slot)
    }

    fn enter(&self, key: K) -> Result<(Slot<K>, Arc<Semaphore>), SlotsTaken> {
        let mut keys = lock(&self.keys);
        let entry = keys
            .entry(key.clone())
            .or_insert_with(|| Key { semaphore: Arc::new(Semaphore::new(self.slots)), users: 0 });
        if entry.users >= self.slots + self.max_waiting {
            return Err(SlotsTaken);
        }
        entry.users += 1;
        Ok((Slot { keys: Arc::clone(&self.keys), key, permit: None }, Arc::clone(&entry.semaphore)))
    }
}

impl<K: Eq + Hash> Drop for Slot<K> {
    fn drop(&mut self) {
        drop(self.permit.take());
        let mut keys = lock(&self.keys);
        if let Some(key) = keys.get_mut(&self.key) {
            key.users -= 1;
            if key.users == 0 {
                keys.remove(&self.key);
            }
        }
    }
}

fn lock<K>(keys: &Mutex<HashMap<K, Key>>) -> MutexGuard<'_, HashMap<K, Key>> {
    keys.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K> fmt::Debug for KeyedSlots<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedSlots").field("slots", &self.slots).finish_non_exhaustive()
    }
}

impl<K: Eq + Hash> fmt::Debug for Slot<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn slots_of_one_key_leave_others_theirs() {
        let slots = Arc::new(KeyedSlots::new(2, 1, Duration::from_mins(1)));
        let (first, _second) = (slots.acquire(1).await.unwrap(), slots.acquire(1).await.unwrap());
        let third = tokio::spawn({
            let slots = Arc::clone(&slots);
            async move { slots.acquire(1).await.map(drop) }
        });
        tokio::task::yield_now().await;
        assert!(!third.is_finished(), "the third waits");
        assert!(slots.acquire(1).await.is_err(), "only one may wait");
        let _other = slots.acquire(2).await.unwrap();
        drop(first);
        third.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn wait_ends_and_unused_keys_are_removed() {
        let slots = KeyedSlots::new(1, 9, Duration::from_millis(1));
        let held = slots.acquire("a").await.unwrap();
        assert_eq!(slots.acquire("a").await.unwrap_err(), SlotsTaken);
        drop(held);
        assert!(lock(&slots.keys).is_empty());
    }
}
