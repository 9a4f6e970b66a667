//! Compares the journal of accepted messages with the database.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

use super::database::TestDatabase;
use super::load::Journal;
use super::meta::Number;
use super::wait;

#[derive(diesel::QueryableByName)]
struct Pair {
    #[diesel(sql_type = diesel::sql_types::Text)]
    key: String,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

/// The result of a query for `key` and `count`.
async fn counts(database: &TestDatabase, query: &str) -> BTreeMap<String, i64> {
    let rows: Vec<Pair> = diesel::sql_query(query).load(&mut database.admin().await).await.expect("the query runs");
    let count = rows.len();
    let counts: BTreeMap<String, i64> = rows.into_iter().map(|pair| (pair.key, pair.count)).collect();
    assert_eq!(counts.len(), count, "duplicate key: {query}");
    counts
}

/// The number of events by status.
pub(crate) async fn statuses(database: &TestDatabase) -> BTreeMap<String, i64> {
    counts(database, "SELECT status AS key, count(*) AS count FROM webhook_events GROUP BY status").await
}

/// Waits until every accepted event is finished. With the limit of I3, this checks I3.
pub(crate) async fn wait_until_settled(database: &TestDatabase, limit: Duration) {
    wait::within(limit, "the ledger to be empty", async || {
        // The database may be restarting.
        let mut connection = AsyncPgConnection::establish(&database.admin_url).await.ok()?;
        let left = super::database::count(&mut connection, "SELECT count(*) FROM webhook_outbox").await.ok()?;
        (left == 0).then_some(())
    })
    .await;
}

/// Compares journal and database while no delivery is being sent:
///
/// - The events are exactly the messages that were answered 200 (I1).
/// - Each processed event, and no other, has one message, one interaction and one unread mark (I2).
/// - No event was attempted more often than allowed; the number of dead letters is the expected one (I5).
/// - Every accepted event has a known status, and the ledger holds exactly the events in flight (I8).
pub(crate) async fn assert_consistent(database: &TestDatabase, number: &Number, journal: &Journal, dead_letters: i64) {
    assert!(journal.unexpected.is_empty(), "{:?}", journal.unexpected);
    assert_eq!(journal.accepted.len(), journal.sent.len(), "every message was accepted");

    let prefix = format!("m:{}:", number.phone_number_id);
    let events = counts(database, "SELECT dedupe_key AS key, count(*) AS count FROM webhook_events GROUP BY 1").await;
    let accepted: BTreeMap<String, i64> = journal.accepted.iter().map(|id| (format!("{prefix}{id}"), 1)).collect();
    assert_same("events", &accepted, &events);

    let processed = counts(
        database,
        "SELECT dedupe_key AS key, count(*) AS count FROM webhook_events WHERE status = 'processed' GROUP BY 1",
    )
    .await;
    let processed: BTreeMap<String, i64> =
        processed.into_iter().map(|(key, count)| (key.strip_prefix(&prefix).unwrap().to_owned(), count)).collect();
    let messages = counts(database, "SELECT wamid AS key, count(*) AS count FROM messages GROUP BY 1").await;
    assert_same("messages", &processed, &messages);
    let interactions = "SELECT m.wamid AS key, count(*) AS count
                  FROM interactions i JOIN messages m ON m.id = i.message_id GROUP BY 1";
    assert_same("interactions", &processed, &counts(database, interactions).await);

    let mut unread: BTreeMap<String, i64> = BTreeMap::new();
    for id in processed.keys() {
        *unread.entry(journal.sent[id].clone()).or_default() += 1;
    }
    let shown = "SELECT i.value AS key, c.unread_count::bigint AS count FROM conversations c
                   JOIN contact_identities i ON i.contact_id = c.contact_id AND i.kind = 'phone'";
    assert_same("unread", &unread, &counts(database, shown).await);

    let statuses = statuses(database).await;
    let of = |status: &str| statuses.get(status).copied().unwrap_or_default();
    assert_eq!(of("dead_letter"), dead_letters, "{statuses:?}");
    let in_flight = database.count("SELECT count(*) FROM webhook_outbox").await;
    assert_eq!(of("received") + of("retrying"), in_flight, "{statuses:?}");
    let finished = of("processed") + of("unroutable") + of("held") + of("discarded") + of("dead_letter");
    assert_eq!(i64::try_from(journal.accepted.len()).unwrap(), finished + in_flight, "{statuses:?}");
    assert_eq!(database.count("SELECT count(*) FROM webhook_payloads").await, finished + in_flight);
    assert_eq!(database.count("SELECT count(*) FROM webhook_events WHERE attempts > 7").await, 0);
}

/// Reports only the differences.
#[track_caller]
fn assert_same(what: &str, expected: &BTreeMap<String, i64>, found: &BTreeMap<String, i64>) {
    let only = |of: &BTreeMap<String, i64>, not: &BTreeMap<String, i64>| -> Vec<String> {
        of.iter()
            .filter(|(key, count)| not.get(*key) != Some(count))
            .map(|(key, count)| format!("{key} x{count}"))
            .collect()
    };
    let (missing, extra) = (only(expected, found), only(found, expected));
    assert!(missing.is_empty() && extra.is_empty(), "{what}: expected {missing:?}, found {extra:?}");
}
