//! Numbers, business accounts and tokens.

use crate::kit::{Kit, NUMBER, TOKEN, WABA};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn number_tells_the_fields_that_are_asked_for() {
    let kit = Kit::start().await;
    let facts = kit.get(&format!("{NUMBER}?fields=throughput,quality_rating,health_status{{can_send_message}}")).await;
    assert_eq!((&facts["throughput"]["level"], &facts["quality_rating"]), (&json!("STANDARD"), &json!("GREEN")));
    assert_eq!(facts["health_status"]["can_send_message"], "AVAILABLE");
    assert!(facts.get("verified_name").is_none());
}

#[tokio::test]
async fn blocked_account_blocks_its_numbers() {
    let kit = Kit::start().await;
    kit.admin(Method::PATCH, &format!("wabas/{WABA}"), json!({"can_send_message": "BLOCKED"})).await;
    let facts = kit.get(&format!("{NUMBER}?fields=health_status")).await;
    assert_eq!(facts["health_status"]["can_send_message"], "BLOCKED");
}

#[tokio::test]
async fn account_lists_its_numbers() {
    let kit = Kit::start().await;
    let more = json!([
        {"phone_number_id": "2", "waba_id": WABA, "tokens": [TOKEN]},
        {"phone_number_id": "3", "waba_id": "4", "tokens": ["other"]},
    ]);
    kit.admin(Method::POST, "numbers", more).await;
    let numbers = kit.get(&format!("{WABA}/phone_numbers")).await;
    let ids: Vec<_> = numbers["data"].as_array().unwrap().iter().map(|number| number["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [NUMBER, "2"]);
    assert_eq!(kit.get("4/phone_numbers").await["error"]["error_subcode"], 33);
}

#[tokio::test]
async fn token_tells_its_accounts() {
    let kit = Kit::start().await;
    let facts = kit.get(&format!("debug_token?input_token={TOKEN}")).await;
    assert_eq!(facts["data"]["is_valid"], true);
    assert_eq!(facts["data"]["granular_scopes"][1]["target_ids"], json!([WABA]));
    assert_eq!(kit.get("debug_token?input_token=unknown").await["data"]["is_valid"], false);
}

#[tokio::test]
async fn wrong_pin_does_not_register() {
    let kit = Kit::start().await;
    kit.admin(Method::PATCH, &format!("numbers/{NUMBER}"), json!({"pin": "111111"})).await;
    for (pin, code) in [("222222", 133_005), ("12", 100)] {
        let body = json!({"messaging_product": "whatsapp", "pin": pin});
        let response = kit.call(Method::POST, &format!("{NUMBER}/register"), TOKEN, Some(&body)).await.unwrap();
        assert_eq!(response.json::<serde_json::Value>().await.unwrap()["error"]["code"], code);
    }
}

#[tokio::test]
async fn secrets_are_not_told() {
    let kit = Kit::start().await;
    for path in ["numbers", "state", "journal", "deliveries"] {
        let told = kit.admin(Method::GET, path, json!({})).await.to_string();
        assert!(!told.contains(TOKEN) && !told.contains("secret-of-the-app"), "{path}");
    }
}

#[tokio::test]
async fn page_of_another_origin_is_refused() {
    let kit = Kit::start().await;
    let client = reqwest::Client::new();
    let call =
        async |origin: String| client.get(kit.url("sandbox/state")).header("Origin", origin).send().await.unwrap();
    assert_eq!(call("https://attacker.example".to_owned()).await.status(), 403);
    assert_eq!(call("null".to_owned()).await.status(), 403);
    assert_eq!(call(kit.url("").trim_end_matches('/').to_owned()).await.status(), 200);
}
