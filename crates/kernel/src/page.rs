use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A position in a list that is ordered by time and then by id. Keyset paging: rows inserted meanwhile neither hide nor repeat
/// an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub time: DateTime<Utc>,
    pub id: Uuid,
}

/// The maximum number of items of a page: 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit(u8);

/// The limit is not between 1 and 100.
#[derive(Debug, thiserror::Error)]
#[error("limit must be between 1 and {}", PageLimit::MAX)]
pub struct PageLimitOutOfRange;

impl PageLimit {
    pub const MAX: u8 = 100;

    /// # Errors
    /// [`PageLimitOutOfRange`] outside of 1 to 100.
    pub const fn new(limit: u32) -> Result<Self, PageLimitOutOfRange> {
        match limit {
            #[expect(clippy::cast_possible_truncation, reason = "the match arm bounds the value")]
            1..=100 => Ok(Self(limit as u8)),
            _ => Err(PageLimitOutOfRange),
        }
    }

    #[must_use]
    pub const fn get(self) -> usize {
        self.0 as usize
    }

    /// The number of rows to read: one more than the page shows tells whether there is a next page.
    #[must_use]
    pub const fn plus_one(self) -> i64 {
        self.0 as i64 + 1
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(50)
    }
}

/// The part of a list that a caller asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct PageRequest {
    pub limit: PageLimit,
    pub after: Option<Cursor>,
}

/// A part of a list, and the cursor of the next part.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Makes a page from up to `limit + 1` rows.
    #[must_use]
    pub fn of(mut rows: Vec<T>, limit: PageLimit, cursor: impl Fn(&T) -> Cursor) -> Self {
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
    fn page_has_next_cursor_only_if_rows_exceed_limit() {
        let cursor = |n: &u128| Cursor { time: DateTime::UNIX_EPOCH, id: Uuid::from_u128(*n) };
        let limit = PageLimit::new(2).unwrap();
        let page = Page::of(vec![1, 2, 3], limit, cursor);
        assert_eq!((page.items, page.next.map(|c| c.id)), (vec![1, 2], Some(Uuid::from_u128(2))));
        assert!(Page::of(vec![1, 2], limit, cursor).next.is_none());
    }

    #[test]
    fn page_limit_outside_1_to_100_is_refused() {
        assert!(PageLimit::new(0).is_err());
        assert!(PageLimit::new(101).is_err());
        assert_eq!(PageLimit::new(100).unwrap().get(), 100);
    }
}
