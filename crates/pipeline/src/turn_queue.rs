use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// What waits of several owners, such as Meta apps or tenants. The owners are served in turn.
#[derive(Debug)]
pub(crate) struct TurnQueue<K, T> {
    owners: HashMap<K, WaitingItems<T>>,
    /// The owners with waiting items, the one that is served next first.
    turns: VecDeque<K>,
    capacity: usize,
    /// The sum of the costs of all items.
    used: usize,
}

#[derive(Debug)]
struct WaitingItems<T> {
    items: VecDeque<(T, usize)>,
    used: usize,
}

impl<K: Clone + Eq + Hash, T> TurnQueue<K, T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { owners: HashMap::new(), turns: VecDeque::new(), capacity, used: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Adds an item, unless its owner uses as much as is free already. So one owner can use half of the capacity, of two each
    /// a third, and there is always a share for another one.
    pub(crate) fn offer(&mut self, owner: &K, item: T, cost: usize) -> Result<(), T> {
        let of_owner = self.owners.get(owner).map_or(0, |waiting| waiting.used);
        if of_owner >= self.capacity.saturating_sub(self.used) {
            return Err(item);
        }
        self.push(owner, item, cost);
        Ok(())
    }

    /// Adds an item whatever the capacity.
    pub(crate) fn push(&mut self, owner: &K, item: T, cost: usize) {
        let waiting = self.owners.entry(owner.clone()).or_insert_with(|| {
            self.turns.push_back(owner.clone());
            WaitingItems { items: VecDeque::new(), used: 0 }
        });
        waiting.items.push_back((item, cost));
        waiting.used += cost;
        self.used += cost;
    }

    /// The first item of the owner that is next.
    pub(crate) fn pop(&mut self) -> Option<(K, T)> {
        let (owner, mut items) = self.pop_group(|_| true, 1, 0)?;
        Some((owner, items.pop()?))
    }

    /// The first items of the next owner that may be served: at least one, at most `max_items`, further ones while all of them cost at
    /// most `max_cost`.
    pub(crate) fn pop_group(
        &mut self,
        may_be_served: impl Fn(&K) -> bool,
        max_items: usize,
        max_cost: usize,
    ) -> Option<(K, Vec<T>)> {
        let owner = self.turns.remove(self.turns.iter().position(may_be_served)?)?;
        let waiting = self.owners.get_mut(&owner)?;
        let (mut group, mut used) = (Vec::new(), 0);
        while let Some((_, cost)) = waiting.items.front()
            && group.len() < max_items
            && (group.is_empty() || used + cost <= max_cost)
            && let Some((item, cost)) = waiting.items.pop_front()
        {
            group.push(item);
            used += cost;
        }
        waiting.used -= used;
        self.used -= used;
        if waiting.items.is_empty() {
            self.owners.remove(&owner);
        } else {
            self.turns.push_back(owner.clone());
        }
        Some((owner, group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many items of that cost an owner can add.
    fn fill(queue: &mut TurnQueue<&'static str, usize>, owner: &'static str, cost: usize) -> usize {
        (0..100).take_while(|n| queue.offer(&owner, *n, cost).is_ok()).count()
    }

    #[test]
    fn no_owner_can_use_the_share_of_another() {
        let mut queue = TurnQueue::new(64);
        let shares = ["a", "b", "c", "d", "e"].map(|owner| fill(&mut queue, owner, 1));
        assert_eq!(shares, [32, 16, 8, 4, 2]);
        while queue.pop().is_some() {}
        assert_eq!(fill(&mut queue, "c", 1), 32, "nothing is used any more");
    }

    #[test]
    fn item_larger_than_the_capacity_is_taken_alone() {
        let mut queue = TurnQueue::new(64);
        assert_eq!(fill(&mut queue, "a", 100), 1);
        assert_eq!(fill(&mut queue, "b", 1), 0);
    }

    fn queue(items: &[(&'static str, usize)]) -> TurnQueue<&'static str, usize> {
        let mut queue = TurnQueue::new(64);
        for (owner, item) in items {
            queue.push(owner, *item, *item);
        }
        queue
    }

    #[test]
    fn owners_are_served_in_turn() {
        let mut queue = queue(&[("a", 1), ("a", 2), ("a", 3), ("b", 4), ("c", 5)]);
        let served: Vec<usize> = std::iter::from_fn(|| queue.pop()).map(|(_, item)| item).collect();
        assert_eq!(served, [1, 4, 5, 2, 3]);
        assert!(queue.is_empty() && queue.used == 0);
    }

    #[test]
    fn group_is_of_one_owner_and_bounded() {
        let mut queue = queue(&[("a", 1), ("b", 9), ("a", 2), ("a", 3), ("a", 4)]);
        assert_eq!(queue.pop_group(|_| true, 2, 100), Some(("a", vec![1, 2])));
        assert_eq!(queue.pop_group(|_| true, 2, 5), Some(("b", vec![9])), "one is taken whatever it costs");
        assert_eq!(queue.pop_group(|_| true, 9, 6), Some(("a", vec![3])));
        assert_eq!(queue.pop_group(|_| true, 9, 6), Some(("a", vec![4])));
        assert!(queue.is_empty() && queue.used == 0);
    }

    #[test]
    fn owner_that_may_not_be_served_keeps_its_turn() {
        let mut queue = queue(&[("a", 1), ("b", 2), ("c", 3)]);
        assert_eq!(queue.pop_group(|owner| *owner != "a", 9, 9), Some(("b", vec![2])));
        assert_eq!(queue.pop().map(|(owner, _)| owner), Some("a"));
        assert_eq!(queue.pop_group(|owner| *owner != "c", 9, 9), None);
        assert!(!queue.is_empty());
    }
}
