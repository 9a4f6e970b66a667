//! Lists and search where there is much.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value, json};

use super::Scale;
use crate::bulk_data::{self, Size};
use crate::error::Result;
use crate::http::Connection;
use crate::latency::Latencies;
use crate::load::{Pace, run};
use crate::report::{Report, plain, rounded};
use crate::world::{World, get, text};

const CONNECTIONS: usize = 16;
/// Pages that are read one by one.
const PAGES: usize = 100;
const BIG: Size = Size { contacts: 20_000, messages: 200_000 };
const SMALL: Size = Size { contacts: 200, messages: 1_000 };
/// With those that are small, unless all are big.
const TENANTS: usize = 50;

pub(crate) async fn measure(world: &World, scale: &Scale, full: bool, report: &mut Report) -> Result {
    let readers = &world.tenants[..if full { TENANTS } else { 1 }];
    let begun = Instant::now();
    let big = if scale.quick { Size { contacts: 2_000, messages: 20_000 } } else { BIG };
    let small = &world.tenants[readers.len()..=readers.len()];
    bulk_data::fill(world, small, SMALL, 0, SMALL).await?;
    bulk_data::fill(world, readers, big, TENANTS - readers.len(), SMALL).await?;
    let made = format!(
        "{} tenants with {} messages each, {} with {}",
        readers.len(),
        big.messages,
        TENANTS - readers.len(),
        SMALL.messages
    );
    eprintln!("    {made}: made in {:.0} s", begun.elapsed().as_secs_f64());

    let api = world.api().await?;
    let mut connection = Connection::open(api.address).await?;
    let (mut tokens, mut conversations) = (Vec::new(), Vec::new());
    for reader in readers {
        let page = connection.json(&get("/crm/conversations?limit=1", &reader.token), 200).await?;
        conversations.push(text(&page["data"][0]["id"])?);
        tokens.push(reader.token.clone());
    }
    let (tokens, conversations): (Arc<[String]>, Arc<[String]>) = (tokens.into(), conversations.into());
    let contacts = u64::from(big.contacts);
    let search = ["order", "refund", "broken", "gra", "hopper", "kay+zoe"];
    let path = move |kind: &str, n: u64| match (kind, n % 3) {
        ("conversations", _) => "/crm/conversations".to_owned(),
        ("messages", _) => {
            format!(
                "/crm/conversations/{}/messages",
                conversations[usize::try_from(n).unwrap_or_default() % conversations.len()]
            )
        }
        (_, 0) => format!("/crm/search?q=4915{:09}", 1 + n * 37 % contacts),
        (_, 1) => format!("/crm/search?q=item{}", n * 13 % 5_000),
        _ => format!("/crm/search?q={}", search[usize::try_from(n / 3).unwrap_or_default() % search.len()]),
    };
    let path = Arc::new(path);
    let (mut json, mut rows) = (Map::new(), Vec::new());
    let (mut of_big, mut of_small) = (Latencies::new(), Latencies::new());
    for _ in 0..PAGES {
        for (tenant, times) in [(&readers[0], &mut of_big), (&small[0], &mut of_small)] {
            let begun = Instant::now();
            connection.json(&get("/crm/conversations", &tenant.token), 200).await?;
            times.note(begun.elapsed());
        }
    }
    let (big_page, small_page) = (of_big.percentile(500), of_small.percentile(500));
    json.insert("ratio".to_owned(), rounded(big_page / small_page));
    let [page, small_page] = [big_page, small_page].map(|page| format!("p50 {page:.1} ms"));
    let name = "a page of conversations of the large tenant".to_owned();
    rows.push([
        name,
        page,
        format!("{small_page}, a small tenant"),
        format!("{:.1}", big_page / of_small.percentile(500)),
    ]);
    for kind in ["conversations", "messages", "search"] {
        let (tokens, path) = (Arc::clone(&tokens), Arc::clone(&path));
        let requests: crate::load::Requests =
            Arc::new(move |n| get(&path(kind, n), &tokens[usize::try_from(n).unwrap_or_default() % tokens.len()]));
        // Each connection of the pool has its plans.
        run(api.address, CONNECTIONS, Pace::Count(500), Arc::clone(&requests)).await?;
        let mut outcome = run(api.address, CONNECTIONS, Pace::For(scale.turn), requests).await?;
        let mut figures = outcome.latencies.json();
        figures["per_second"] = rounded(outcome.per_second());
        figures["refused"] = json!(outcome.refused);
        json.insert(kind.to_owned(), figures);
        let name = format!("read {kind}, {CONNECTIONS} connections");
        rows.push(plain(&name, format!("{:.0}/s, {}", outcome.per_second(), outcome.latencies.text())));
    }
    api.stop()?;
    json.insert("data".to_owned(), json!(made));
    rows.push(plain("  of", made));
    report.add("read", Value::Object(json), rows);
    Ok(())
}
