//! Lists that are walked by a cursor.

/// Continues a boxed query that is ordered by a time and then by id, latest first. The first condition follows from the
/// second; it is the one that an index can use.
macro_rules! continue_after {
    ($query:ident, $cursor:expr, $time:expr, $id:expr) => {
        if let Some(kernel::Cursor { time, id }) = $cursor {
            $query = $query.filter($time.le(time)).filter($time.lt(time).or($time.eq(time).and($id.lt(id))));
        }
    };
}

pub(crate) use continue_after;
