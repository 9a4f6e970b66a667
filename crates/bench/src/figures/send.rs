//! Messages to customers: requests that are answered 202, against inserts of the same rows one by one; what senders drive with a
//! Meta that answers at once; and the pace of one number.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use kernel::{Clock as _, SystemClock};
use sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_postgres::Client;
use uuid::Uuid;

use super::Scale;
use crate::error::{Result, fail};
use crate::http::{Connection, request};
use crate::latency::Latencies;
use crate::load::{Outcome, Pace, run};
use crate::report::{Report, plain, rounded};
use crate::sql::{self, Id};
use crate::world::{Tenant, World, post, text};

const CONNECTIONS: usize = 64;
const BASELINE_CONNECTIONS: usize = 16;
/// Of each tenant. With twenty tenants there are a hundred.
const NUMBERS: usize = 5;
/// Customers of each number.
const CUSTOMERS: usize = 40;
/// Requests a second whose way to Meta is timed.
const RATE: u32 = 100;
/// Messages a second that Meta allows a number.
const THROUGHPUT: usize = 80;

/// What a program does that stores each wish when it comes: the message, and what is to be sent, in one prepared statement, which is
/// also the transaction. Conversation, address and the JSON for Meta are known already.
const INSERT: &str = "
WITH message AS (
  INSERT INTO messages (tenant_id, id, conversation_id, contact_id, account_id, direction, origin, kind, text, parts, payload,
                        provider_timestamp, arrival, created_at)
  VALUES ($1, $2, $3, $4, $5, 'outbound', 'api', 'text', $6, '[]', $7, now(), 0, now())
  RETURNING id
)
INSERT INTO sends (tenant_id, id, account_id, conversation_id, kind, message_id, state, priority, position, is_due, due_at, send_before,
                   on_unknown, free_form, recipient, content, body, sender_kind, created_at)
SELECT $1, $8, $5, $3, 'message', id, 'queued', 0, nextval('webhook_arrivals'), true, now(), now() + interval '1 day', 'hold', true,
       '+4915112345678', $7, $7, 'user', now()
  FROM message";

/// A conversation in which can be answered.
#[derive(Clone, Debug)]
struct Thread {
    tenant: Uuid,
    token: Arc<str>,
    account: Uuid,
    conversation: Uuid,
    contact: Uuid,
}

pub(crate) async fn measure(world: &World, scale: &Scale, report: &mut Report) -> Result {
    let meta = Sandbox::start(Options::default())?;
    let sending = World {
        deployment: world.deployment.calling(&meta.url()),
        tenants: world.tenants.clone(),
        sql: sql::connect(&world.deployment.superuser()?).await?,
    };
    let threads = connect(&sending, &meta, scale).await?;
    let (mut json, mut rows) = (json!({}), Vec::new());
    wishes(&sending, scale, &threads, (&mut json, &mut rows)).await?;
    drive(&sending, &meta, (&mut json, &mut rows)).await?;
    to_meta(&sending, scale, &meta, &threads, (&mut json, &mut rows)).await?;
    pace(&sending, scale, &meta, &threads, (&mut json, &mut rows)).await?;
    report.add("send", json, rows);
    Ok(())
}

type Figures<'a> = (&'a mut Value, &'a mut Vec<[String; 4]>);

/// Connects the numbers with their tokens, and stores customers who have just written.
async fn connect(world: &World, meta: &Sandbox, scale: &Scale) -> Result<Vec<Thread>> {
    let api = world.api().await?;
    let mut connection = Connection::open(api.address).await?;
    let mut threads = Vec::new();
    for (place, tenant) in world.tenants.iter().take(scale.tenants).enumerate() {
        let token: Arc<str> = tenant.token.as_str().into();
        for number in 0..NUMBERS {
            let account = account(&mut connection, tenant, place, number).await?;
            let (phone_number_id, waba_id) = meta_ids(place, number);
            let access_token = format!("EAA{phone_number_id}");
            let settings = json!({
                "phone_number_id": phone_number_id, "waba_id": waba_id, "tokens": [access_token], "throughput": 0,
                "pair_limit": null, "window": "off", "statuses": {"enabled": false},
            });
            admin(meta, "POST", "/numbers", &settings).await?;
            let path = format!("/whatsapp-accounts/{account}");
            let body = json!({"access_token": access_token, "throughput": 1_000});
            connection.json(&authorized("PATCH", &path, &token, &body), 200).await?;
            threads.extend(customers(&world.sql, tenant, &token, account, place * NUMBERS + number).await?);
        }
    }
    api.stop()?;
    Ok(threads)
}

fn meta_ids(tenant: usize, number: usize) -> (String, String) {
    (format!("20654035{:07}", tenant * NUMBERS + number), format!("20229012{tenant:07}"))
}

async fn account(connection: &mut Connection, tenant: &Tenant, place: usize, number: usize) -> Result<Uuid> {
    let (phone_number_id, waba_id) = meta_ids(place, number);
    let body = json!({"phone_number_id": phone_number_id, "waba_id": waba_id});
    let authorization = format!("Bearer {}", tenant.token);
    let request = post("/whatsapp-accounts", place, &[("Authorization", &authorization)], &body);
    Ok(text(&connection.json(&request, 201).await?["id"])?.parse()?)
}

async fn customers(
    sql: &Client,
    tenant: &Tenant,
    token: &Arc<str>,
    account: Uuid,
    place: usize,
) -> Result<Vec<Thread>> {
    let first = i64::try_from(place * CUSTOMERS)?;
    let statement = "
WITH made AS (
  INSERT INTO contacts (tenant_id, id, display_name, created_at, updated_at)
  SELECT $1, md5($2 || 'contact' || n)::uuid, 'Customer ' || n, now(), now() FROM generate_series(1, $3::bigint) n
  RETURNING id
), identified AS (
  INSERT INTO contact_identities (tenant_id, kind, scope, value, contact_id, created_at, since)
  SELECT $1, 'phone', '', '4917' || lpad(($4::bigint + n)::text, 8, '0'), md5($2 || 'contact' || n)::uuid, now(), now()
    FROM generate_series(1, $3::bigint) n
)
INSERT INTO conversations (tenant_id, id, account_id, contact_id, last_message_at, created_at, service_window_ends_at)
SELECT $1, md5($2 || 'conversation' || n)::uuid, $5, md5($2 || 'contact' || n)::uuid, now(), now(), now() + interval '1 day'
  FROM generate_series(1, $3::bigint) n
RETURNING id::text, contact_id::text";
    // All in one statement: foreign keys are checked at its end.
    let rows = sql
        .query(statement, &[&Id(tenant.id), &account.to_string(), &i64::try_from(CUSTOMERS)?, &first, &Id(account)])
        .await?;
    rows.iter()
        .map(|row| {
            let [conversation, contact]: [String; 2] = [row.try_get(0)?, row.try_get(1)?];
            Ok(Thread {
                tenant: tenant.id,
                token: Arc::clone(token),
                account,
                conversation: conversation.parse()?,
                contact: contact.parse()?,
            })
        })
        .collect()
}

fn authorized(method: &str, path: &str, token: &str, body: &Value) -> Vec<u8> {
    let authorization = format!("Bearer {token}");
    let headers = [("Content-Type", "application/json"), ("Authorization", authorization.as_str())];
    request(method, path, &headers, body.to_string().as_bytes())
}

async fn admin(meta: &Sandbox, method: &str, path: &str, body: &Value) -> Result<Value> {
    let mut connection = Connection::open(meta.address()).await?;
    let bytes = body.to_string();
    let request =
        request(method, &format!("/sandbox{path}"), &[("Content-Type", "application/json")], bytes.as_bytes());
    connection.any_json(&request).await
}

fn answer(thread: &Thread, n: u64) -> Vec<u8> {
    let body = json!({"type": "text", "text": {"body": format!("Your order {n} is on its way.")}});
    authorized("POST", &format!("/crm/conversations/{}/messages", thread.conversation), &thread.token, &body)
}

/// Requests to send, and the baseline, in turns.
async fn wishes(world: &World, scale: &Scale, threads: &[Thread], (json, rows): Figures<'_>) -> Result {
    let api = world.api().await?;
    let shared: Arc<[Thread]> = threads.into();
    let requests = || {
        let threads = Arc::clone(&shared);
        Arc::new(move |n: u64| answer(&threads[usize::try_from(n).unwrap_or(0) % threads.len()], n)) as _
    };
    run(api.address, CONNECTIONS, Pace::Count(1_000), requests()).await?;
    let (mut outcome, mut inserted, mut inserting) = (Outcome::default(), 0, Duration::ZERO);
    for _ in 0..scale.rounds {
        let (count, took) = insert_one_by_one(world, scale, threads).await?;
        inserted += count;
        inserting += took;
        sql::settle(&world.sql).await?;
        outcome.add(run(api.address, CONNECTIONS, Pace::For(scale.turn), requests()).await?);
        sql::settle(&world.sql).await?;
    }
    api.stop()?;
    if outcome.refused > 0 {
        return fail(format!("{} requests to send were refused", outcome.refused));
    }
    let (highest, baseline) = (outcome.per_second(), inserted as f64 / inserting.as_secs_f64());
    let ratio = highest / baseline;
    json["wishes"] = outcome.latencies.json();
    json["wishes"]["per_second"] = rounded(highest);
    json["wishes"]["baseline_per_second"] = rounded(baseline);
    json["wishes"]["ratio"] = rounded(ratio);
    rows.push([
        format!("requests to send, {CONNECTIONS} connections"),
        format!("{highest:.0}/s, {}", outcome.latencies.text()),
        format!("{baseline:.0}/s, single inserts by {BASELINE_CONNECTIONS} connections"),
        format!("{ratio:.2}"),
    ]);
    // What the baseline stored is not sent.
    world.sql.batch_execute("DELETE FROM sends WHERE sender_id IS NULL").await?;
    Ok(())
}

async fn insert_one_by_one(world: &World, scale: &Scale, threads: &[Thread]) -> Result<(u64, Duration)> {
    let url = world.deployment.superuser()?;
    let clients = try_join_all((0..BASELINE_CONNECTIONS).map(|_| sql::connect(&url))).await?;
    let started = Instant::now();
    let work = clients.iter().enumerate().map(|(place, client)| inserts(scale, client, place, threads));
    let inserted: u64 = try_join_all(work).await?.iter().sum();
    Ok((inserted, started.elapsed()))
}

async fn inserts(scale: &Scale, client: &Client, place: usize, threads: &[Thread]) -> Result<u64> {
    let clock = SystemClock::new();
    let statement = client.prepare(INSERT).await?;
    let started = Instant::now();
    let mut done = 0;
    while started.elapsed() < scale.turn {
        let thread = &threads[(place + usize::try_from(done)? * BASELINE_CONNECTIONS) % threads.len()];
        let [message, send] = [clock.new_id(), clock.new_id()].map(Id);
        let text = format!("Your order {done} is on its way.");
        let body = json!({"type": "text", "text": {"body": text}}).to_string();
        let ids = [thread.tenant, thread.conversation, thread.contact, thread.account].map(Id);
        client.execute(&statement, &[&ids[0], &message, &ids[1], &ids[2], &ids[3], &text, &body, &send]).await?;
        done += 1;
    }
    Ok(done)
}

/// How fast a sender drives what the requests have stored, with a Meta that answers at once.
async fn drive(world: &World, meta: &Sandbox, (json, rows): Figures<'_>) -> Result {
    let waiting = queued(&world.sql).await?;
    let before = journaled(meta).await?;
    let sender = world.deployment.start("sender").await?;
    let started = Instant::now();
    while queued(&world.sql).await? > 0 {
        if started.elapsed() > Duration::from_mins(5) {
            return fail("the sender did not send everything within five minutes");
        }
        sleep(Duration::from_millis(50)).await;
    }
    let per_second = waiting as f64 / started.elapsed().as_secs_f64();
    sender.stop()?;
    let sent = journaled(meta).await? - before;
    if sent != waiting {
        return fail(format!("{waiting} messages waited, and Meta got {sent}"));
    }
    json["driven"] = json!({"per_second": rounded(per_second), "messages": waiting, "numbers": 100});
    rows.push(plain(
        "  driven to a Meta that answers at once",
        format!("{per_second:.0}/s, {waiting} messages of 100 numbers"),
    ));
    Ok(())
}

async fn queued(sql: &Client) -> Result<i64> {
    Ok(sql.query_one("SELECT count(*) FROM sends WHERE state IN ('queued', 'sending')", &[]).await?.try_get(0)?)
}

async fn journaled(meta: &Sandbox) -> Result<i64> {
    let state = admin(meta, "GET", "/state", &Value::Null).await?;
    state["requests"]["accepted"].as_i64().ok_or_else(|| "the state has no count of accepted requests".into())
}

/// From the request until Meta has the message.
async fn to_meta(
    world: &World,
    scale: &Scale,
    meta: &Sandbox,
    threads: &[Thread],
    (json, rows): Figures<'_>,
) -> Result {
    let before = journaled(meta).await?;
    let processes = [world.api().await?, world.deployment.start("sender").await?];
    let begun: Arc<OnceLock<Duration>> = Arc::default();
    let (threads, start): (Arc<[Thread]>, _) = (threads.into(), Arc::clone(&begun));
    let requests = Arc::new(move |n: u64| {
        // The first request is due when it is made; the others are made before they are due.
        start.get_or_init(now);
        answer(&threads[usize::try_from(n * 7).unwrap_or(0) % threads.len()], n)
    });
    let outcome = run(processes[0].address, CONNECTIONS, Pace::Rate(RATE, scale.open), requests).await?;
    let wanted = before + i64::try_from(outcome.accepted)?;
    let started = Instant::now();
    while journaled(meta).await? < wanted {
        if started.elapsed() > Duration::from_secs(30) {
            return fail("not all messages reached Meta within 30 s");
        }
        sleep(Duration::from_millis(20)).await;
    }
    let journal = admin(meta, "GET", &format!("/journal?after={before}&limit=100000"), &Value::Null).await?;
    let begun = *begun.get().ok_or("nothing was asked for")?;
    let mut latencies = Latencies::new();
    for entry in journal["entries"].as_array().ok_or("the journal has no entries")? {
        let text = entry["body"]["text"]["body"].as_str().unwrap_or_default();
        let n: u64 = text.chars().filter(char::is_ascii_digit).collect::<String>().parse()?;
        let received = Duration::from_millis(entry["received_at_ms"].as_u64().unwrap_or_default());
        let due = begun + Duration::from_secs_f64(n as f64 / f64::from(RATE));
        latencies.note(received.saturating_sub(due));
    }
    let p99 = latencies.percentile(990);
    json["to_meta"] = latencies.json();
    json["to_meta"]["offered_per_second"] = json!(RATE);
    rows.push(plain(&format!("  from request to Meta at {RATE}/s"), format!("p99 {p99:.0} ms, {}", latencies.text())));
    for process in processes {
        process.stop()?;
    }
    Ok(())
}

/// Since 1970.
fn now() -> Duration {
    Duration::from_millis(SystemClock::new().now().timestamp_millis().try_into().unwrap_or_default())
}

/// The pace of one number with much to send.
async fn pace(world: &World, scale: &Scale, meta: &Sandbox, threads: &[Thread], (json, rows): Figures<'_>) -> Result {
    let of_number: Arc<[Thread]> = threads.iter().take(CUSTOMERS).cloned().collect();
    let api = world.api().await?;
    let mut connection = Connection::open(api.address).await?;
    let path = format!("/whatsapp-accounts/{}", of_number[0].account);
    let body = json!({"throughput": THROUGHPUT});
    connection.json(&authorized("PATCH", &path, &of_number[0].token, &body), 200).await?;
    let seconds = if scale.quick { 4 } else { 10 };
    let count = u64::try_from(THROUGHPUT * seconds)?;
    let stored = Arc::clone(&of_number);
    let requests = Arc::new(move |n: u64| answer(&stored[usize::try_from(n).unwrap_or(0) % stored.len()], n));
    run(api.address, CONNECTIONS, Pace::Count(count), requests).await?;
    api.stop()?;
    let before = journaled(meta).await?;
    let sender = world.deployment.start("sender").await?;
    let started = Instant::now();
    while queued(&world.sql).await? > 0 {
        if started.elapsed() > Duration::from_mins(2) {
            return fail("one number did not send everything within two minutes");
        }
        sleep(Duration::from_millis(50)).await;
    }
    sender.stop()?;
    let journal = admin(meta, "GET", &format!("/journal?after={before}&limit=100000"), &Value::Null).await?;
    let entries = journal["entries"].as_array().ok_or("the journal has no entries")?;
    let times: Vec<u64> = entries.iter().filter_map(|entry| entry["received_at_ms"].as_u64()).collect();
    let busiest = times
        .iter()
        .enumerate()
        .map(|(place, start)| times[place..].iter().take_while(|time| **time < start + 1_000).count())
        .max()
        .unwrap_or(0);
    let took = times.last().zip(times.first()).map_or(0, |(last, first)| last - first);
    let per_second = (times.len() - 1) as f64 / (took as f64 / 1_000.0);
    json["pace"] = json!({
        "throughput": THROUGHPUT, "per_second": rounded(per_second), "busiest_second": busiest,
        "of_throughput": rounded(per_second / THROUGHPUT as f64),
        "busiest_of_throughput": rounded(busiest as f64 / THROUGHPUT as f64),
    });
    rows.push(plain(
        &format!("  one number of {THROUGHPUT}/s"),
        format!("{per_second:.1}/s, {busiest} in its busiest second"),
    ));
    Ok(())
}
