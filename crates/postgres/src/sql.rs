//! SQL as text, for statements that Diesel's query builder cannot express: sets of rows, locks, function calls.

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, BoxedSqlQuery, Query, QueryFragment, QueryId, SqlQuery};
use diesel::result::QueryResult;

/// A statement that is prepared once per connection. Diesel prepares SQL text on each call, as it may differ; ours is constant, and
/// preparing costs a round trip.
#[derive(Debug)]
pub(crate) struct Prepared<Q>(pub(crate) Q);

/// A constant statement: bind its parameters in order, then run it as [`Prepared`].
pub(crate) fn sql(text: &'static str) -> SqlQuery {
    diesel::sql_query(text)
}

/// A statement that functions can take and return: binding a parameter does not change its type.
pub(crate) type BoxedSql<'a> = BoxedSqlQuery<'a, Pg, SqlQuery>;

/// A constant statement whose parameters are bound by more than one function.
pub(crate) fn boxed_sql<'a>(text: &'static str) -> BoxedSql<'a> {
    sql(text).into_boxed()
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Prepared<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _backend: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q> QueryId for Prepared<Q> {
    type QueryId = ();

    /// Cached by its text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Prepared<Q> {
    type SqlType = Q::SqlType;
}

/// The row of `SELECT count(*) AS count`.
#[derive(diesel::QueryableByName)]
pub(crate) struct Count {
    #[diesel(sql_type = types::BigInt)]
    pub(crate) count: i64,
}

/// The row of `SELECT EXISTS (...) AS exists`.
#[derive(diesel::QueryableByName)]
pub(crate) struct Exists {
    #[diesel(sql_type = types::Bool)]
    pub(crate) exists: bool,
}

/// A row of `... RETURNING id`.
#[derive(diesel::QueryableByName)]
pub(crate) struct Id {
    #[diesel(sql_type = types::Uuid)]
    pub(crate) id: uuid::Uuid,
}

/// Short names for types of parameters.
pub(crate) mod types {
    use diesel::sql_types::{Array, Nullable};

    pub(crate) use diesel::sql_types::{BigInt, Binary, Bool, Date, Integer, Interval, Text, Timestamptz, Uuid};

    pub(crate) type Uuids = Array<Uuid>;
    pub(crate) type Texts = Array<Text>;
    pub(crate) type MaybeTexts = Array<Nullable<Text>>;
    pub(crate) type MaybeUuids = Array<Nullable<Uuid>>;
    pub(crate) type BigInts = Array<BigInt>;
    pub(crate) type MaybeBigInts = Array<Nullable<BigInt>>;
    pub(crate) type Integers = Array<Integer>;
    pub(crate) type MaybeIntegers = Array<Nullable<Integer>>;
    pub(crate) type Bools = Array<Bool>;
    pub(crate) type MaybeTimes = Array<Nullable<Timestamptz>>;
    pub(crate) type Times = Array<Timestamptz>;
    pub(crate) type Dates = Array<Date>;
    pub(crate) type Binaries = Array<Binary>;
}
