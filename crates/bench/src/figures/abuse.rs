//! What other tenants notice while one does its worst: ten ways, each beside a calm turn of the same length. All limits are as they
//! are by default.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ring::hmac;
use serde_json::{Map, Value, json};
use tokio_postgres::Client;

use super::Scale;
use super::accept::requests;
use super::end_to_end::parts;
use crate::bulk_data::{self, Size};
use crate::deliveries::{Content, Deliveries, signed};
use crate::error::Result;
use crate::http::{Connection, request};
use crate::latency::Latencies;
use crate::load::{Pace, Requests, run};
use crate::report::{Report, plain, rounded};
use crate::sql::{self, clear_events, drained};
use crate::world::{PASSWORD, Tenant, World, get, post, text};

/// What the other tenant does, by the second: little enough that a calm server is calm.
const ACCEPTED: u32 = 50;
const LISTED: u32 = 30;
const LOGINS: u32 = 4;
/// The abuser's data.
const DATA: Size = Size { contacts: 2_000, messages: 20_000 };
const AUDIT_RECORDS: u32 = 100_000;
const MAX_WAIT: Duration = Duration::from_mins(3);

/// Of the abuser.
const ADDRESS: &str = "10.0.0.1";
const SECRET: &str = "the secret of the abuser's app";

/// One way of abuse.
struct Way {
    name: &'static str,
    connections: usize,
    requests: Requests,
}

/// What the other tenant got.
struct Turn {
    accept: Latencies,
    process: Latencies,
    login: Latencies,
    list: Latencies,
}

impl Turn {
    fn p99(&mut self) -> [(&'static str, f64); 4] {
        [
            ("accept", self.accept.percentile(990)),
            ("process", self.process.percentile(990)),
            ("login", self.login.percentile(990)),
            ("list", self.list.percentile(990)),
        ]
    }
}

pub(crate) async fn measure(world: &World, scale: &Scale, report: &mut Report) -> Result {
    clear_events(&world.sql).await?;
    let (abuser, others) = (&world.tenants[0], [&world.tenants[1], &world.tenants[2]]);
    bulk_data::fill(world, std::slice::from_ref(abuser), DATA, 0, DATA).await?;
    fill_audit_log(world, abuser).await?;
    let parts = parts(&world.deployment.limited()).await?;
    let address = parts[0].address;
    let ways = ways(&mut Connection::open(address).await?, abuser).await?;
    let duration = scale.turn * 2;
    // Connections are open and statements planned, which is no part of any turn.
    turn(&world.sql, address, others, duration / 2).await?;
    let (mut json, mut worst) = (Map::new(), 0.0_f64);
    let mut rows = Vec::new();
    for way in ways {
        let calm = turn(&world.sql, address, others, duration).await?.p99();
        let abuse = run(address, way.connections, Pace::For(duration), way.requests);
        let (_, noticed) = tokio::join!(abuse, turn(&world.sql, address, others, duration));
        let noticed = noticed?.p99();
        drained(&world.sql, MAX_WAIT).await?;
        let mut figures = Map::new();
        let mut texts = Vec::new();
        for ((name, calm), (_, noticed)) in calm.into_iter().zip(noticed) {
            let ratio = noticed / calm;
            worst = worst.max(ratio);
            texts.push(format!("{name} {noticed:.0} ms ({ratio:.1})"));
            let figure = json!({"calm_p99_ms": rounded(calm), "p99_ms": rounded(noticed), "ratio": rounded(ratio)});
            figures.insert(name.to_owned(), figure);
        }
        rows.push(plain(&format!("abuse: {}, p99 of another tenant (to calm)", way.name), texts.join(", ")));
        json.insert(way.name.to_owned(), figures.into());
    }
    for part in parts {
        part.stop()?;
    }
    clear_events(&world.sql).await?;
    json.insert("worst_ratio".to_owned(), rounded(worst));
    report.add("abuse", Value::Object(json), rows);
    Ok(())
}

async fn fill_audit_log(world: &World, tenant: &Tenant) -> Result {
    let statement = format!(
        "INSERT INTO audit_records (tenant_id, id, occurred_at, actor_kind, action, outcome, changes)
         SELECT '{}', gen_random_uuid(), now() - n * interval '1 second', 'system', 'user.changed', 'done', '{{}}'
           FROM generate_series(1, {AUDIT_RECORDS}) AS n",
        tenant.id
    );
    world.sql.batch_execute(&statement).await?;
    sql::settle(&world.sql).await
}

/// What the others get in a while; the second one logs in, which ends the oldest of its sessions in time. A delivery is
/// processed before the turn ends, or counts with the time until then.
async fn turn(client: &Client, address: SocketAddr, others: [&Tenant; 2], duration: Duration) -> Result<Turn> {
    let [tenant, user] = others;
    let since = sql::number(client, "extract(epoch FROM clock_timestamp())").await?;
    let deliveries = Deliveries::new(std::slice::from_ref(&tenant.number), 200, Content::Texts);
    let list = get("/crm/conversations", &tenant.token);
    let login = {
        let (slug, body) = (user.slug.clone(), json!({ "email": user.email, "password": PASSWORD }));
        post("/auth/login", 2, &[("X-Tenant-ID", &slug)], &body)
    };
    let same = |bytes: Vec<u8>| -> Requests { Arc::new(move |_| bytes.clone()) };
    let begun = Instant::now();
    let (accept, list, login) = tokio::join!(
        run(address, 8, Pace::Rate(ACCEPTED, duration), requests(deliveries)),
        run(address, 8, Pace::Rate(LISTED, duration), same(list)),
        run(address, 4, Pace::Rate(LOGINS, duration), same(login)),
    );
    let statement = format!(
        "SELECT extract(epoch FROM coalesce(processed_at, now()) - received_at)::float8 FROM webhook_events
          WHERE tenant_id = '{}' AND received_at >= to_timestamp({since})",
        tenant.id
    );
    let mut process = Latencies::new();
    for row in client.query(&statement, &[]).await? {
        process.note(Duration::from_secs_f64(row.try_get::<_, f64>(0)?.clamp(0.0, begun.elapsed().as_secs_f64())));
    }
    Ok(Turn { accept: accept?.latencies, process, login: login?.latencies, list: list?.latencies })
}

/// The ten ways, after what they need is there.
async fn ways(connection: &mut Connection, abuser: &Tenant) -> Result<Vec<Way>> {
    let authorization = format!("Bearer {}", abuser.token);
    let app = json!({ "app_id": "1234567890", "app_secret": SECRET.replace(' ', "-"), "verify_token": "abuse" });
    let created = connection.json(&post("/meta-apps", 1, &[("Authorization", &authorization)], &app), 201).await?;
    let path: Arc<str> = text(&created["webhook_path"])?.into();
    let conversations = connection.json(&get("/crm/conversations?limit=1", &abuser.token), 200).await?;
    let conversation = text(&conversations["data"][0]["id"])?;
    let key = Arc::new(hmac::Key::new(hmac::HMAC_SHA256, SECRET.replace(' ', "-").as_bytes()));
    let own = |body: fn(u64) -> String| -> Requests {
        let (key, path) = (Arc::clone(&key), Arc::clone(&path));
        Arc::new(move |n| signed(&key, &path, &body(n)))
    };
    let read = |path: String| -> Requests {
        let authorization = format!("Bearer {}", abuser.token);
        let bytes = request("GET", &path, &[("Authorization", &authorization), ("X-Forwarded-For", ADDRESS)], b"");
        Arc::new(move |_| bytes.clone())
    };
    let guess = {
        let (slug, email) = (abuser.slug.clone(), abuser.email.clone());
        move |n: u64| {
            let body = json!({ "email": email, "password": format!("a wrong password {n}") });
            post("/auth/login", 100 + usize::try_from(n % 60_000).unwrap_or_default(), &[("X-Tenant-ID", &slug)], &body)
        }
    };
    let create = move |n: u64| {
        let body = json!({ "display_name": format!("Contact {n}"), "attributes": { "note": "x".repeat(8_000) } });
        post("/crm/contacts", 1, &[("Authorization", &authorization)], &body)
    };
    let flood = Deliveries::new(std::slice::from_ref(&abuser.number), 5_000, Content::Everything);
    let way = |name, connections, requests| Way { name, connections, requests };
    Ok(vec![
        way("flood of deliveries", 32, requests(flood)),
        way("deliveries of 20,000 items", 4, own(items)),
        way("deliveries of 3 MB", 4, own(long_text)),
        way("deliveries that are no JSON", 16, own(|n| format!("junk {n}"))),
        way("verification of the audit log", 16, read("/audit-log/verify".to_owned())),
        way("filters that match nothing", 16, read("/audit-log?action=nothing.happened".to_owned())),
        way("search for common words", 16, read("/crm/search?q=order".to_owned())),
        way("long pages of messages", 16, read(format!("/crm/conversations/{conversation}/messages?limit=100"))),
        way("guesses of passwords", 16, Arc::new(guess)),
        way("contacts with large attributes", 16, Arc::new(create)),
    ])
}

fn value(number: u64, items: &str) -> String {
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"messages","value":{{"messaging_product":"whatsapp","metadata":{{"phone_number_id":"{number}"}},{items}}}}}]}}]}}"#
    )
}

fn items(n: u64) -> String {
    let items: Vec<String> = (0..20_000).map(|item| format!(r#"{{"id":"n{n}.{item}"}}"#)).collect();
    value(1, &format!(r#""messages":[{}]"#, items.join(",")))
}

fn long_text(n: u64) -> String {
    let text = "a".repeat(3_000_000);
    let message =
        format!(r#"{{"from":"15550001","id":"l{n}","timestamp":"1","type":"text","text":{{"body":"{text}"}}}}"#);
    value(2, &format!(r#""messages":[{message}]"#))
}
