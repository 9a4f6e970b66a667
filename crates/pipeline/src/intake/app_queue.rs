use std::collections::{HashMap, VecDeque};

use whatsapp::MetaAppKey;

/// What waits of several Meta apps. The apps are served in turn.
#[derive(Debug)]
pub(super) struct AppQueue<T> {
    apps: HashMap<MetaAppKey, WaitingItems<T>>,
    /// The apps with waiting items, the one that is served next first.
    turns: VecDeque<MetaAppKey>,
    capacity: usize,
    /// The sum of the costs of all items.
    used: usize,
}

#[derive(Debug)]
struct WaitingItems<T> {
    items: VecDeque<(T, usize)>,
    used: usize,
}

impl<T> AppQueue<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { apps: HashMap::new(), turns: VecDeque::new(), capacity, used: 0 }
    }

    /// Adds an item, unless its app uses as much as is free already. So one app can use half of the capacity, of two apps each
    /// a third, and there is always a share for another app.
    pub(super) fn offer(&mut self, app: &MetaAppKey, item: T, cost: usize) -> Result<(), T> {
        let of_app = self.apps.get(app).map_or(0, |waiting| waiting.used);
        if of_app >= self.capacity.saturating_sub(self.used) {
            return Err(item);
        }
        self.push(app, item, cost);
        Ok(())
    }

    /// Adds an item whatever the capacity.
    pub(super) fn push(&mut self, app: &MetaAppKey, item: T, cost: usize) {
        let waiting = self.apps.entry(app.clone()).or_insert_with(|| {
            self.turns.push_back(app.clone());
            WaitingItems { items: VecDeque::new(), used: 0 }
        });
        waiting.items.push_back((item, cost));
        waiting.used += cost;
        self.used += cost;
    }

    /// The first item of the app that is next.
    pub(super) fn pop(&mut self) -> Option<(MetaAppKey, T)> {
        let app = self.turns.pop_front()?;
        let waiting = self.apps.get_mut(&app)?;
        let (item, cost) = waiting.items.pop_front()?;
        waiting.used -= cost;
        self.used -= cost;
        if waiting.items.is_empty() {
            self.apps.remove(&app);
        } else {
            self.turns.push_back(app.clone());
        }
        Some((app, item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(name: &str) -> MetaAppKey {
        MetaAppKey::from_stored(name.to_owned())
    }

    /// How many items of that cost an app can add.
    fn fill(queue: &mut AppQueue<usize>, name: &str, cost: usize) -> usize {
        (0..100).take_while(|n| queue.offer(&app(name), *n, cost).is_ok()).count()
    }

    #[test]
    fn no_app_can_use_the_share_of_another() {
        let mut queue = AppQueue::new(64);
        let shares = ["a", "b", "c", "d", "e"].map(|name| fill(&mut queue, name, 1));
        assert_eq!(shares, [32, 16, 8, 4, 2]);
        while queue.pop().is_some() {}
        assert_eq!(fill(&mut queue, "c", 1), 32, "nothing is used any more");
    }

    #[test]
    fn item_larger_than_the_capacity_is_taken_alone() {
        let mut queue = AppQueue::new(64);
        assert_eq!(fill(&mut queue, "a", 100), 1);
        assert_eq!(fill(&mut queue, "b", 1), 0);
    }

    #[test]
    fn apps_are_served_in_turn() {
        let mut queue = AppQueue::new(64);
        for (name, item) in [("a", 1), ("a", 2), ("a", 3), ("b", 4), ("c", 5)] {
            queue.push(&app(name), item, 1);
        }
        let served: Vec<i32> = std::iter::from_fn(|| queue.pop()).map(|(_, item)| item).collect();
        assert_eq!(served, [1, 4, 5, 2, 3]);
    }
}
