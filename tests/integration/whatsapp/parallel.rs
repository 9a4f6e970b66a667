//! Concurrent deliveries.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::kit::app::TestApp;
use crate::kit::customer::{Customer, joined};

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
    app.wait_until_processed().await;
    let conversation = tenant.conversation_by_identity("phone", ada.phone()).await;
    assert_eq!(conversation.unread_count, 20);
    assert_eq!(tenant.messages(&conversation).await.len(), 20);
    let contact = tenant.contact_by_identity("phone", ada.phone()).await;
    assert_eq!(tenant.interactions(&contact).await.len(), 20);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thousand_updates_are_processed_despite_invalid_one() {
    let app = TestApp::start_with_pipeline().await;
    let mut tenants = Vec::new();
    for _ in 0..5 {
        let tenant = app.tenant().await;
        tenants.push((tenant.connect().await, tenant.id));
    }
    let with_invalid = 3;
    let mut parts: Vec<Vec<Value>> = vec![Vec::new(); 20];
    for (n, (number, _)) in tenants.iter().enumerate() {
        let mut messages: Vec<Value> = (0..200).map(|at| Customer::fresh().text(at, "hello")).collect();
        if n == with_invalid {
            messages[77].as_object_mut().unwrap().remove("id");
        }
        for (part, messages) in parts.iter_mut().zip(messages.chunks(10)) {
            part.push(number.delivery(messages));
        }
    }
    // Ten at a time from each tenant in turn.
    app.process(&joined(parts.iter().flatten())).await;
    assert_eq!(app.events("status = 'processed'").await, 999);
    assert_eq!(app.database.count("SELECT count(*) FROM messages").await, 999);
    let dead = format!("status = 'dead_letter' AND tenant_id = '{}'", tenants[with_invalid].1);
    assert_eq!(app.events(&dead).await, 1);
    app.finish_with_dead_letters(1).await;
}
