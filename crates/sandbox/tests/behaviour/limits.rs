//! How fast a number may send.

use std::time::Duration;

use crate::kit::{CUSTOMER, Kit, NUMBER, text};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn number_that_is_too_fast_is_refused_with_130429() {
    let kit = Kit::with_open_window().await;
    // So slow that the time that the test takes does not matter.
    kit.admin(Method::PATCH, &format!("numbers/{NUMBER}"), json!({"throughput": 1})).await;
    kit.advance_clock(Duration::from_mins(1)).await;
    kit.accepted(&text(CUSTOMER, "1")).await;
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(kit.refused(&text(CUSTOMER, "2")).await);
    }
    assert!(codes.contains(&130_429), "{codes:?}");
    kit.advance_clock(Duration::from_secs(2)).await;
    kit.accepted(&text(CUSTOMER, "3")).await;
}

#[tokio::test]
async fn pair_that_is_too_fast_is_refused_with_131056() {
    let kit = Kit::with_open_window().await;
    for index in 0..45 {
        kit.accepted(&text(CUSTOMER, &index.to_string())).await;
    }
    assert_eq!(kit.refused(&text(CUSTOMER, "one too many")).await, 131_056);
    // Another pair has a bucket of its own.
    kit.accepted(&text("+15550100012", "Hello")).await;
    kit.advance_clock(Duration::from_secs(6)).await;
    kit.accepted(&text(CUSTOMER, "later")).await;
}

#[tokio::test]
async fn limits_can_be_switched_off() {
    let kit = Kit::with_open_window().await;
    kit.admin(Method::PATCH, &format!("numbers/{NUMBER}"), json!({"throughput": 0, "pair_limit": null})).await;
    for index in 0..150 {
        kit.accepted(&text(CUSTOMER, &index.to_string())).await;
    }
    assert_eq!(kit.journal().await.len(), 150);
}
