//! Webhooks about messages that the business sent.

use crate::kit::{CUSTOMER, Kit, NUMBER, text, until};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn statuses_are_signed_and_carry_the_opaque_data() {
    let kit = Kit::with_open_window().await;
    let mut body = text(CUSTOMER, "Hello");
    body["biz_opaque_callback_data"] = json!("v1:é/🙂");
    let id = kit.accepted(&body).await;
    let statuses = kit.statuses(&id, 2).await;
    assert_eq!((&statuses[0]["status"], &statuses[1]["status"]), (&json!("sent"), &json!("delivered")));
    assert!(statuses.iter().all(|status| status["biz_opaque_callback_data"] == "v1:é/🙂"));
    assert_eq!(statuses[0]["recipient_id"], "15550100011");
    assert_eq!(statuses[0]["pricing"]["category"], "service");
    assert!(statuses[0]["recipient_user_id"].as_str().unwrap().starts_with("US."));
}

#[tokio::test]
async fn absent_receiver_gets_statuses_later() {
    let kit = Kit::with_open_window().await;
    until(async || (!kit.receiver.messages().is_empty()).then_some(())).await;
    kit.receiver.refuse(2);
    let id = kit.accepted(&text(CUSTOMER, "Hello")).await;
    kit.statuses(&id, 2).await;
    assert_eq!(kit.receiver.refused(), 2);
    let deliveries = kit.admin(Method::GET, "deliveries", json!({})).await;
    assert!(
        deliveries.as_array().unwrap().iter().any(|delivery| delivery["attempts"] == 3 || delivery["attempts"] == 2)
    );
}

#[tokio::test]
async fn phone_that_reads_turns_ticks_blue() {
    let kit = Kit::with_open_window().await;
    let id = kit.accepted(&text(CUSTOMER, "Hello")).await;
    kit.statuses(&id, 2).await;
    let read = json!({"phone_number_id": NUMBER, "from": CUSTOMER});
    assert_eq!(kit.admin(Method::POST, "phone/read", read.clone()).await, json!({"read": 1}));
    assert_eq!(kit.status_names(&id, 3).await, ["sent", "delivered", "read"]);
    assert_eq!(kit.chat().await["messages"][1]["ticks"], "read");
    assert_eq!(kit.admin(Method::POST, "phone/read", read).await, json!({"read": 0}));
}

#[tokio::test]
async fn many_statuses_share_a_webhook() {
    let kit = Kit::with_open_window().await;
    // The customer's message must not wait among them.
    until(async || (!kit.receiver.messages().is_empty()).then_some(())).await;
    kit.admin(Method::PATCH, &format!("numbers/{NUMBER}"), json!({"pair_limit": null})).await;
    kit.admin(Method::POST, "webhooks", json!({"paused": true})).await;
    let mut ids = Vec::new();
    for index in 0..20 {
        ids.push(kit.accepted(&text(CUSTOMER, &index.to_string())).await);
    }
    until(async || {
        let state = kit.admin(Method::GET, "state", json!({})).await;
        (state["updates_waiting"] == 40).then_some(())
    })
    .await;
    kit.admin(Method::POST, "webhooks", json!({"paused": false})).await;
    for id in &ids {
        kit.statuses(id, 2).await;
    }
    let deliveries = kit.admin(Method::GET, "deliveries", json!({})).await;
    assert!(deliveries.as_array().unwrap().iter().any(|delivery| delivery["updates"] == 40), "{deliveries}");
}

#[tokio::test]
async fn switched_off_statuses_do_not_come() {
    let kit = Kit::with_open_window().await;
    kit.admin(Method::PATCH, &format!("numbers/{NUMBER}"), json!({"statuses": {"enabled": false}})).await;
    kit.accepted(&text(CUSTOMER, "Hello")).await;
    let state = kit.admin(Method::GET, "state", json!({})).await;
    assert_eq!(state["statuses_scheduled"], 0);
}

#[tokio::test]
async fn unsubscribed_account_gets_no_webhooks() {
    let kit = Kit::start().await;
    let path = format!("{}/subscribed_apps", crate::kit::WABA);
    let call = async |method: Method| kit.call(method, &path, crate::kit::TOKEN, None).await.unwrap().status();
    assert_eq!(call(Method::DELETE).await, 200);
    assert_eq!(kit.get(&path).await["data"], json!([]));
    let message = json!({"phone_number_id": NUMBER, "from": CUSTOMER, "text": "x"});
    let written = kit.admin(Method::POST, "phone/messages", message).await;
    assert_eq!(written["webhook"], Value::Bool(false));
    assert_eq!(call(Method::POST).await, 200);
    assert_eq!(kit.get(&path).await["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn person_without_whatsapp_is_undeliverable() {
    let kit = Kit::start().await;
    kit.admin(Method::PATCH, &format!("numbers/{NUMBER}"), json!({"window": "off"})).await;
    kit.admin(Method::POST, "customers", json!({"phone": "15550100099", "on_whatsapp": false})).await;
    let id = kit.accepted(&text("+15550100099", "Hello")).await;
    let statuses = kit.statuses(&id, 1).await;
    assert_eq!((&statuses[0]["status"], &statuses[0]["errors"][0]["code"]), (&json!("failed"), &json!(131_026)));
}
