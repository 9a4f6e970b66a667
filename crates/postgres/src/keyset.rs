//! Lists that are read page by page, with a cursor.

use chrono::{DateTime, Utc};
use diesel::dsl::{And, Eq, Lt, LtEq, Or};
use diesel::query_dsl::methods::FilterDsl;
use diesel::sql_types::{BigInt, Timestamptz, Uuid as SqlUuid};
use diesel::{BoolExpressionMethods, Expression, ExpressionMethods};
use kernel::Cursor;
use uuid::Uuid;

/// The condition of rows after a cursor.
pub(crate) type After<Time, Id> =
    And<LtEq<Time, DateTime<Utc>>, Or<Lt<Time, DateTime<Utc>>, And<Eq<Time, DateTime<Utc>>, Lt<Id, Uuid>>>>;

/// Continues a boxed query after a cursor, if there is one. The query is ordered by a time and an id, latest first.
///
/// The first condition follows from the second one; it is the one that an index serves.
pub(crate) fn continue_after<Q, Time, Id>(query: Q, cursor: Option<Cursor>, time: Time, id: Id) -> Q
where
    Q: FilterDsl<After<Time, Id>, Output = Q>,
    Time: Copy + Expression<SqlType = Timestamptz> + ExpressionMethods,
    Id: Expression<SqlType = SqlUuid> + ExpressionMethods,
{
    let Some(cursor) = cursor else { return query };
    query.filter(time.le(cursor.time).and(time.lt(cursor.time).or(time.eq(cursor.time).and(id.lt(cursor.id)))))
}

/// The condition of rows after a cursor, in a list that is ordered by time, arrival and id.
pub(crate) type AfterArrival<Time, Arrival, Id> = And<
    LtEq<Time, DateTime<Utc>>,
    Or<
        Lt<Time, DateTime<Utc>>,
        And<Eq<Time, DateTime<Utc>>, Or<Lt<Arrival, i64>, And<Eq<Arrival, i64>, Lt<Id, Uuid>>>>,
    >,
>;

/// The same for a query that is ordered by a time, an [`Arrival`](kernel::Arrival) and an id.
pub(crate) fn continue_after_arrival<Q, Time, Arrival, Id>(
    query: Q,
    cursor: Option<Cursor>,
    (time, arrival, id): (Time, Arrival, Id),
) -> Q
where
    Q: FilterDsl<AfterArrival<Time, Arrival, Id>, Output = Q>,
    Time: Copy + Expression<SqlType = Timestamptz> + ExpressionMethods,
    Arrival: Copy + Expression<SqlType = BigInt> + ExpressionMethods,
    Id: Expression<SqlType = SqlUuid> + ExpressionMethods,
{
    let Some(cursor) = cursor else { return query };
    let number = cursor.arrival.get();
    let later_in_second = arrival.lt(number).or(arrival.eq(number).and(id.lt(cursor.id)));
    query.filter(time.le(cursor.time).and(time.lt(cursor.time).or(time.eq(cursor.time).and(later_in_second))))
}
