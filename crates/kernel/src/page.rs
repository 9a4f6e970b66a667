use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A place in a list that is ordered by a time and then by id. Keyset paging: what is inserted meanwhile neither hides
/// nor repeats an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub time: DateTime<Utc>,
    pub id: Uuid,
}

/// How many items a page holds at most: 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u8);

/// The limit is not between 1 and 100.
#[derive(Debug, thiserror::Error)]
#[error("limit must be between 1 and {}", Limit::MAX)]
pub struct LimitOutOfRange;

impl Limit {
    pub const MAX: u8 = 100;

    /// # Errors
    /// [`LimitOutOfRange`] outside of 1 to 100.
    pub const fn new(limit: u32) -> Result<Self, LimitOutOfRange> {
        match limit {
            #[expect(clippy::cast_possible_truncation, reason = "the range says that it fits")]
            1..=100 => Ok(Self(limit as u8)),
            _ => Err(LimitOutOfRange),
        }
    }

    #[must_use]
    pub const fn get(self) -> usize {
        self.0 as usize
    }

    /// One more than is shown, which tells whether there is a next page.
    #[must_use]
    pub const fn and_one(self) -> i64 {
        self.0 as i64 + 1
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct PageRequest {
    pub limit: Limit,
    pub after: Option<Cursor>,
}

/// A part of a list, and where the next one starts.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Makes a page of the up to `limit + 1` rows that were read.
    #[must_use]
    pub fn of(mut rows: Vec<T>, limit: Limit, cursor: impl Fn(&T) -> Cursor) -> Self {
        let more = rows.len() > limit.get();
        rows.truncate(limit.get());
        let next = if more { rows.last().map(cursor) } else { None };
        Self { items: rows, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_page_has_a_next() {
        let cursor = |n: &u128| Cursor { time: DateTime::UNIX_EPOCH, id: Uuid::from_u128(*n) };
        let limit = Limit::new(2).unwrap();
        let page = Page::of(vec![1, 2, 3], limit, cursor);
        assert_eq!((page.items, page.next.map(|c| c.id)), (vec![1, 2], Some(Uuid::from_u128(2))));
        assert!(Page::of(vec![1, 2], limit, cursor).next.is_none());
    }

    #[test]
    fn limits_have_bounds() {
        assert!(Limit::new(0).is_err());
        assert!(Limit::new(101).is_err());
        assert_eq!(Limit::new(100).unwrap().get(), 100);
    }
}
