//! How long lists and search take where there is much. By hand, as it takes a while to make:
//!
//! ```console
//! cargo test --workspace --release --test integration -- --ignored --nocapture crm::big
//! ```

use std::time::{Duration, Instant};

use crate::kit::app::{Settings, TestApp};
use crate::kit::bulk_data::Size;
use crate::kit::machine_lock::Isolation;
use crate::kit::measure::{percentile, report};

/// Requests per list and search.
const ROUNDS: usize = 400;
const ENOUGH: Duration = Duration::from_millis(30);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "makes 250,000 messages; see above"]
async fn large_tenant_lists_and_search_take_under_30_ms() {
    let settings = Settings { alone: true, isolation: Isolation::Exclusive, ..Settings::default() };
    let app = TestApp::start_with(settings).await;
    let tenant = app.tenant().await;
    let started = Instant::now();
    let (big, small) = (Size { contacts: 20_000, messages: 200_000 }, Size { contacts: 200, messages: 1_000 });
    app.database.fill_tenants(&tenant, big, 49, small).await;
    report(&format!("made in {:.0?}", started.elapsed()));

    let first = |page: serde_json::Value| page["data"][0]["id"].as_str().unwrap().to_owned();
    let conversation = first(tenant.client.get("/crm/conversations?limit=1").await.json(200));
    let me = tenant.client.get("/auth/me").await.json(200)["user"]["id"].as_str().unwrap().to_owned();
    let cursor = |page: serde_json::Value| page["next_cursor"].as_str().unwrap().to_owned();
    let further = cursor(tenant.client.get("/crm/conversations?limit=100").await.json(200));
    let number = |n: usize| format!("4915{:09}", 1 + n * 37 % 20_000);
    let kinds: [(&str, &dyn Fn(usize) -> String); 14] = [
        ("contacts", &|_| "/crm/contacts".to_owned()),
        ("conversations", &|_| "/crm/conversations".to_owned()),
        ("conversations, next page", &|_| format!("/crm/conversations?cursor={further}")),
        ("conversations, closed", &|_| "/crm/conversations?status=closed".to_owned()),
        ("conversations, mine", &|_| format!("/crm/conversations?assignee={me}")),
        ("messages", &|_| format!("/crm/conversations/{conversation}/messages")),
        ("search: a number", &|n| format!("/crm/search?q={}", number(n))),
        ("search: its beginning", &|n| format!("/crm/search?q={}", &number(n)[..9 + n % 4])),
        ("search: a name's beginning", &|n| format!("/crm/search?q={}", ["gra", "zoe", "al", "jurgen m", "ed"][n % 5])),
        ("search: words of names", &|n| format!("/crm/search?q={}", ["hopper", "kay+zoe", "turing+al", "now"][n % 4])),
        ("search: a word of all", &|n| format!("/crm/search?q={}", ["order", "hello", "regards"][n % 3])),
        ("search: a word of many", &|n| format!("/crm/search?q={}", ["refund", "broken", "late", "small"][n % 4])),
        ("search: a word of a few", &|n| format!("/crm/search?q=item{}", n * 13 % 5_000)),
        ("search: words of one, of none", &|n| {
            if n % 2 == 0 {
                format!("/crm/search?q=order+{}", 1_000 + n * 401)
            } else {
                format!("/crm/search?q=nothing{n}")
            }
        }),
    ];
    // Warms the plan cache of each pooled connection.
    for (_, path) in &kinds {
        for n in 0..50 {
            tenant.client.get(&path(n)).await.expect(200);
        }
    }
    let mut searches = Vec::new();
    let mut slow = Vec::new();
    for (kind, path) in &kinds {
        let mut times = Vec::with_capacity(ROUNDS);
        for n in 0..ROUNDS {
            let asked = Instant::now();
            let answer = tenant.client.get(&path(n)).await;
            times.push(asked.elapsed());
            answer.expect(200);
        }
        if kind.starts_with("search") {
            searches.extend(times.iter().copied());
        }
        let (half, most) = (percentile(&mut times, 50), percentile(&mut times, 99));
        report(&format!("{kind:<30} p50 {half:>9.2?}  p99 {most:>9.2?}"));
        slow.extend((most >= ENOUGH).then_some(*kind));
    }
    report(&format!("{:<30} p99 {:.2?}", "all searches", percentile(&mut searches, 99)));
    assert!(slow.is_empty(), "slower than {ENOUGH:?}: {slow:?}");
    app.finish_unprocessed().await;
}
