//! The 24 hours after the customer's last message.

use std::time::Duration;

use crate::kit::{CUSTOMER, Kit, NUMBER, text};
use reqwest::Method;
use serde_json::json;

async fn fails_with(kit: &Kit, id: &str) -> i64 {
    kit.statuses(id, 1).await[0]["errors"][0]["code"].as_i64().unwrap_or_default()
}

#[tokio::test]
async fn closed_window_fails_after_acceptance() {
    let kit = Kit::start().await;
    let id = kit.accepted(&text(CUSTOMER, "Hello")).await;
    assert_eq!(fails_with(&kit, &id).await, 131_047);
}

#[tokio::test]
async fn window_closes_a_day_after_the_last_message() {
    let kit = Kit::with_open_window().await;
    kit.advance_clock(Duration::from_hours(23)).await;
    let id = kit.accepted(&text(CUSTOMER, "in time")).await;
    assert_eq!(kit.status_names(&id, 2).await, ["sent", "delivered"]);
    kit.advance_clock(Duration::from_hours(2)).await;
    let id = kit.accepted(&text(CUSTOMER, "late")).await;
    assert_eq!(fails_with(&kit, &id).await, 131_047);
    assert_eq!(kit.chat().await["window_is_open"], false);
}

#[tokio::test]
async fn window_is_of_the_pair() {
    let kit = Kit::with_open_window().await;
    let id = kit.accepted(&text("+15550100012", "Hello")).await;
    assert_eq!(fails_with(&kit, &id).await, 131_047);
}

#[tokio::test]
async fn template_needs_no_window() {
    let kit = Kit::start().await;
    let template = json!({"name": "hello_world", "language": {"code": "en_US"}});
    let body = json!({"messaging_product": "whatsapp", "to": CUSTOMER, "type": "template", "template": template});
    let id = kit.accepted(&body).await;
    assert_eq!(kit.status_names(&id, 2).await, ["sent", "delivered"]);
}

#[tokio::test]
async fn number_can_refuse_at_once_or_never() {
    let kit = Kit::start().await;
    let path = format!("numbers/{NUMBER}");
    kit.admin(Method::PATCH, &path, json!({"window": "sync"})).await;
    assert_eq!(kit.refused(&text(CUSTOMER, "Hello")).await, 131_047);
    kit.admin(Method::PATCH, &path, json!({"window": "off"})).await;
    let id = kit.accepted(&text(CUSTOMER, "Hello")).await;
    assert_eq!(kit.status_names(&id, 2).await, ["sent", "delivered"]);
}
