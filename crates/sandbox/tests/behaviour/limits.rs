//! How fast a number may send.

use std::time::Duration;

use crate::kit::{CUSTOMER, Kit, NUMBER, text};
use reqwest::Method;
use serde_json::json;

/// Sends until the sandbox refuses. Answers how many it accepted, and the code.
async fn until_refused(kit: &Kit, to: &str) -> (usize, i64) {
    for accepted in 0..200 {
        let (_, answer) = kit.send(&text(to, "Hello")).await;
        if let Some(code) = answer["error"]["code"].as_i64() {
            return (accepted, code);
        }
    }
    panic!("nothing was refused")
}

#[tokio::test]
async fn number_that_is_too_fast_is_refused_with_130429() {
    let kit = Kit::with_open_window().await;
    kit.admin(Method::PATCH, &format!("numbers/{NUMBER}"), json!({"throughput": 1, "pair_limit": null})).await;
    let (accepted, code) = until_refused(&kit, CUSTOMER).await;
    assert_eq!(code, 130_429);
    assert!(accepted < 30, "{accepted}");
    kit.advance_clock(Duration::from_secs(2)).await;
    kit.accepted(&text(CUSTOMER, "3")).await;
}

#[tokio::test]
async fn pair_that_is_too_fast_is_refused_with_131056() {
    let kit = Kit::with_open_window().await;
    let (accepted, code) = until_refused(&kit, CUSTOMER).await;
    assert_eq!(code, 131_056);
    // More than the burst only if this takes longer than the six seconds of another one.
    assert!((45..60).contains(&accepted), "{accepted}");
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
