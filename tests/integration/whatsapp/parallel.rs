//! Much at once.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::kit::app::{Settings, TestApp};
use crate::kit::customer::{Customer, joined};

#[tokio::test(flavor = "multi_thread")]
async fn two_albums_and_a_retry_of_both_are_twenty_pictures() {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_updates_of_five_tenants_with_a_broken_one() {
    let app = TestApp::start_with(Settings { pipeline: true, quiet: true, ..Settings::default() }).await;
    let mut parts: Vec<Vec<Value>> = vec![Vec::new(); 20];
    let mut unlucky = String::new();
    for n in 0..5 {
        let tenant = app.tenant().await;
        let number = tenant.connect().await;
        let mut messages: Vec<Value> = (0..200).map(|at| Customer::fresh().text(at, "hello")).collect();
        if n == 3 {
            messages[77].as_object_mut().unwrap().remove("id");
            unlucky = tenant.id;
        }
        for (part, messages) in parts.iter_mut().zip(messages.chunks(10)) {
            part.push(number.delivery(messages));
        }
    }
    // Everybody's in turn, ten at a time.
    let all = joined(parts.iter().flatten());
    let started = Instant::now();
    app.tell(&all).await;
    let took = started.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert_eq!(app.events("status = 'processed'").await, 999);
    assert_eq!(app.events(&format!("status = 'dead_letter' AND tenant_id = '{unlucky}'")).await, 1);
    assert_eq!(app.database.count("SELECT count(*) FROM messages").await, 999);
    app.finish_with_dead_letters(1).await;
}
