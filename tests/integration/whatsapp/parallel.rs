//! Concurrent deliveries.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::kit::app::{Settings, TestApp};
use crate::kit::customer::{Customer, joined};
use crate::kit::machine_lock::{self, Isolation};
use crate::kit::meta::Number;

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_albums_and_retries_store_twenty_pictures() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let pictures: Vec<Value> =
        (0..20).map(|n| ada.message(10, "image", json!({"id": n.to_string(), "mime_type": "image/jpeg"}))).collect();
    let albums = [number.received(&ada, &pictures[..10]), number.received(&ada, &pictures[10..])];
    let regrouped = number.received(&ada, &pictures[5..15]);
    let deliveries = [&albums[0], &albums[1], &regrouped, &albums[0], &regrouped];
    let answers = join_all(deliveries.iter().map(|delivery| app.deliver(delivery))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    app.settled().await;
    let conversation = tenant.conversation_with("phone", ada.phone()).await;
    assert_eq!(conversation["unread_count"], 20);
    assert_eq!(tenant.messages(&conversation).await.len(), 20);
    let contact = tenant.contact_with("phone", ada.phone()).await;
    assert_eq!(tenant.interactions(&contact).await.len(), 20);
    app.finish().await;
}

/// How often it is tried, and it counts what of the time was ours: whatever else the machine does makes it slower, never
/// faster.
const TRIES: usize = 3;
const LIMIT: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn thousand_updates_are_processed_despite_invalid_one() {
    let app =
        TestApp::start_with(Settings { pipeline: true, isolation: Isolation::Exclusive, ..Settings::default() }).await;
    let mut tenants = Vec::new();
    for _ in 0..5 {
        let tenant = app.tenant().await;
        tenants.push((tenant.connect().await, tenant.id));
    }
    let mut times = Vec::new();
    while times.len() < TRIES && times.iter().all(|took| *took >= LIMIT) {
        times.push(a_thousand(&app, &tenants, times.len() + 1).await);
    }
    assert!(times.iter().any(|took| *took < LIMIT), "{times:?}");
    app.finish_with_dead_letters(i64::try_from(times.len()).unwrap()).await;
}

/// Delivers a thousand messages in one go, of which one has no id; how long until all are done.
async fn a_thousand(app: &TestApp, tenants: &[(Number, String)], round: usize) -> Duration {
    let unlucky = 3;
    let mut parts: Vec<Vec<Value>> = vec![Vec::new(); 20];
    for (n, (number, _)) in tenants.iter().enumerate() {
        let mut messages: Vec<Value> = (0..200).map(|at| Customer::fresh().text(at, "hello")).collect();
        if n == unlucky {
            messages[77].as_object_mut().unwrap().remove("id");
        }
        for (part, messages) in parts.iter_mut().zip(messages.chunks(10)) {
            part.push(number.delivery(messages));
        }
    }
    // Ten at a time from each tenant in turn.
    let all = joined(parts.iter().flatten());
    let before = machine_lock::share().await;
    let started = Instant::now();
    app.tell(&all).await;
    let took = started.elapsed();
    let share = f64::midpoint(before, machine_lock::share().await);
    let took = took.mul_f64(share);
    let round = i64::try_from(round).unwrap();
    assert_eq!(app.events("status = 'processed'").await, 999 * round);
    assert_eq!(app.database.count("SELECT count(*) FROM messages").await, 999 * round);
    let dead = format!("status = 'dead_letter' AND tenant_id = '{}'", tenants[unlucky].1);
    assert_eq!(app.events(&dead).await, round);
    took
}
