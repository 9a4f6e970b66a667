use kernel::Page;
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

    pub(crate) fn from_page<Item>(page: Page<Item>, key: &CursorKey, list: ListId) -> Self
    where
        T: From<Item>,
    {
        Self {
            data: page.items.into_iter().map(T::from).collect(),
            next_cursor: page.next.map(|cursor| key.encode(list, cursor)),
        }
    }
}
