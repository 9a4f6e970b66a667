use std::io::{self, Write};

use kernel::{MAX_PAGE_BYTES, Page};
use serde::Serialize;
use utoipa::ToSchema;

use crate::cursor::{CursorKey, ListId};

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Page)]
pub(crate) struct PageBody<T> {
    data: Vec<T>,
    /// Send it as `cursor` to get the next page. Null on the last page.
    #[schema(required)]
    next_cursor: Option<String>,
}

impl<T> PageBody<T> {
    /// A list that fits on one page.
    pub(crate) fn single_page<Item>(items: impl IntoIterator<Item = Item>) -> Self
    where
        T: From<Item>,
    {
        Self { data: items.into_iter().map(T::from).collect(), next_cursor: None }
    }

    /// The page as far as its JSON has at most [`MAX_PAGE_BYTES`]; the rest is on the next page.
    pub(crate) fn from_page<Item>(page: Page<Item>, key: &CursorKey, list: ListId) -> Self
    where
        T: From<Item> + Serialize,
    {
        let page = page.map(T::from).cut_at_bytes(MAX_PAGE_BYTES, json_bytes);
        Self { next_cursor: page.next.map(|cursor| key.encode(list, cursor)), data: page.items }
    }
}

fn json_bytes(item: &impl Serialize) -> usize {
    let mut length = Length(0);
    // It fails for a value that JSON does not have, and so does the response.
    let _ = serde_json::to_writer(&mut length, item);
    length.0
}

/// Counts what is written.
struct Length(usize);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_that_of_the_json() {
        let item = serde_json::json!({"text": "é", "n": [1, null]});
        assert_eq!(json_bytes(&item), item.to_string().len());
    }
}
