//! One delivery with very many items.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use reqwest::Method;

use crate::kit::fault_setup::FaultSetup;
use crate::kit::meta::signature;

/// As many as fit into a body.
const ITEMS: usize = 150_000;
/// An app's other deliveries are stored within this time.
const LIMIT: Duration = Duration::from_secs(2);

/// I1: other deliveries of the same app do not wait for it, and all of it is stored.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask faults`"]
async fn delivery_of_150_000_items_does_not_delay_others() {
    let mut setup = FaultSetup::new().await;
    let server = setup.serve_as("api").await;
    setup.send_to(&[&server]);
    let mut items = String::new();
    for n in 0..ITEMS {
        let _ = write!(items, r#"{{"id":"n{n}"}},"#);
    }
    items.pop();
    let body = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"messages","value":{{"messaging_product":"whatsapp","metadata":{{"phone_number_id":"1"}},"messages":[{items}]}}}}]}}]}}"#
    );
    let signed = server.client.with("x-hub-signature-256", &signature(body.as_bytes()));
    let large =
        tokio::spawn(
            async move { signed.send(Method::POST, "/webhooks/whatsapp", Some(body.into_bytes())).await.status },
        );
    let (mut slowest, mut sent) = (Duration::ZERO, 0);
    while !large.is_finished() {
        let started = Instant::now();
        let delivery = setup.sender.delivery(1);
        setup.sender.deliver(0, delivery).await;
        slowest = slowest.max(started.elapsed());
        sent += 1;
    }
    assert_eq!(large.await.unwrap(), 200);
    assert!(sent > 10 && slowest < LIMIT, "{sent} deliveries, the slowest took {slowest:?}");
    // What the items share is copied into most of them; the others are kept as they are.
    assert_eq!(setup.events("status IN ('unroutable', 'dead_letter')").await, i64::try_from(ITEMS).unwrap());
    assert!(setup.events("status = 'unroutable'").await > 100_000);
    assert_eq!(setup.events("status = 'received'").await, sent);
    setup.shut_down([server]).await;
}
