use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::Arrival;

/// The bytes of a page, as far as its items can be cut: a page that would have more ends early.
pub const MAX_PAGE_BYTES: usize = 1024 * 1024;

/// A position in a list that is ordered by time, then by arrival, then by id. Keyset paging: rows inserted meanwhile neither hide
/// nor repeat an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub time: DateTime<Utc>,
    /// Zero in lists that are not made of webhook events.
    pub arrival: Arrival,
    pub id: Uuid,
}

impl Cursor {
    /// A position in a list that is ordered by time and id alone.
    #[must_use]
    pub const fn new(time: DateTime<Utc>, id: Uuid) -> Self {
        Self { time, arrival: Arrival::ZERO, id }
    }
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
    pub const ONE: Self = Self(1);

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
    /// The position of each item; none if the list has one page only.
    positions: Vec<Cursor>,
}

impl<T> Page<T> {
    /// Makes a page from up to `limit + 1` rows.
    #[must_use]
    pub fn of(mut rows: Vec<T>, limit: PageLimit, cursor: impl Fn(&T) -> Cursor) -> Self {
        let more = rows.len() > limit.get();
        rows.truncate(limit.get());
        Self::of_rows(rows, more, cursor)
    }

    /// Makes a page from its rows; `more`: others follow.
    #[must_use]
    pub fn of_rows(rows: Vec<T>, more: bool, cursor: impl Fn(&T) -> Cursor) -> Self {
        let positions: Vec<Cursor> = rows.iter().map(cursor).collect();
        let next = if more { positions.last().copied() } else { None };
        Self { items: rows, next, positions }
    }

    /// A list that fits on one page.
    #[must_use]
    pub const fn whole(items: Vec<T>) -> Self {
        Self { items, next: None, positions: Vec::new() }
    }

    /// The page with other items.
    #[must_use]
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        let Self { items, next, positions } = self;
        Page { items: items.into_iter().map(change).collect(), next, positions }
    }

    /// The page as far as it has at most this many bytes, but at least one item. The rest is on the next page.
    #[must_use]
    pub fn cut_at_bytes(mut self, most: usize, bytes: impl Fn(&T) -> usize) -> Self {
        let mut total = 0_usize;
        let fits = self.items.iter().position(|item| {
            total = total.saturating_add(bytes(item));
            total > most
        });
        let Some(kept) = fits.map(|fits| fits.max(1)).filter(|kept| *kept < self.items.len()) else { return self };
        if let Some(last) = self.positions.get(kept - 1) {
            self.next = Some(*last);
            self.positions.truncate(kept);
            self.items.truncate(kept);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_has_next_cursor_only_if_rows_exceed_limit() {
        let cursor = |n: &u128| Cursor::new(DateTime::UNIX_EPOCH, Uuid::from_u128(*n));
        let limit = PageLimit::new(2).unwrap();
        let page = Page::of(vec![1, 2, 3], limit, cursor);
        assert_eq!((page.items, page.next.map(|c| c.id)), (vec![1, 2], Some(Uuid::from_u128(2))));
        assert!(Page::of(vec![1, 2], limit, cursor).next.is_none());
    }

    #[test]
    fn page_is_cut_at_bytes_and_continues_there() {
        let cursor = |n: &u8| Cursor::new(DateTime::UNIX_EPOCH, Uuid::from_u128((*n).into()));
        let page = |rows: &[u8]| Page::of(rows.to_vec(), PageLimit::new(3).unwrap(), cursor);
        let cut = |rows: &[u8], most| {
            let page = page(rows).cut_at_bytes(most, |n| usize::from(*n));
            (page.items, page.next.map(|next| next.id.as_u128()))
        };
        assert_eq!(cut(&[1, 2, 3], 6), (vec![1, 2, 3], None));
        assert_eq!(cut(&[1, 2, 3], 5), (vec![1, 2], Some(2)));
        assert_eq!(cut(&[9, 2, 3], 5), (vec![9], Some(9)), "at least one");
        assert_eq!(cut(&[9], 5), (vec![9], None));
        assert_eq!(cut(&[1, 2, 3, 4], 6), (vec![1, 2, 3], Some(3)));
    }

    #[test]
    fn page_limit_outside_1_to_100_is_refused() {
        assert!(PageLimit::new(0).is_err());
        assert!(PageLimit::new(101).is_err());
        assert_eq!(PageLimit::new(100).unwrap().get(), 100);
    }
}
