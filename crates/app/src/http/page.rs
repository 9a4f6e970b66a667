use kernel::Page;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::cursor::{CursorKey, List};

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Page)]
pub(crate) struct PageBody<T> {
    data: Vec<T>,
    /// Where the next part starts: to be sent as `cursor`. Null at the end.
    #[schema(required)]
    next_cursor: Option<String>,
}

impl<T> PageBody<T> {
    /// A list that is on one page.
    pub(crate) fn whole<Item>(items: impl IntoIterator<Item = Item>) -> Self
    where
        T: From<Item>,
    {
        Self { data: items.into_iter().map(T::from).collect(), next_cursor: None }
    }

    pub(crate) fn of<Item>(page: Page<Item>, key: &CursorKey, list: List) -> Self
    where
        T: From<Item>,
    {
        Self {
            data: page.items.into_iter().map(T::from).collect(),
            next_cursor: page.next.map(|cursor| key.seal(list, cursor)),
        }
    }
}
