//! What is accepted, how it is answered, and what the journal says of it.

use crate::kit::{CUSTOMER, Kit, NUMBER, TOKEN, text};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn accepted_message_is_answered_and_journaled() {
    let kit = Kit::with_open_window().await;
    let mut body = text(CUSTOMER, "Hello");
    body["biz_opaque_callback_data"] = json!("v1:abc");
    let (status, answer) = kit.send(&body).await;
    assert_eq!(status, 200);
    assert_eq!(answer["contacts"], json!([{"input": "+15550100011", "wa_id": "15550100011"}]));
    let entry = kit.journal().await.pop().unwrap();
    assert_eq!(entry["wamid"], answer["messages"][0]["id"]);
    assert_eq!((&entry["sequence"], &entry["phone_number_id"]), (&json!(1), &json!(NUMBER)));
    assert_eq!((&entry["kind"], &entry["to"]), (&json!("text"), &json!(CUSTOMER)));
    assert_eq!((&entry["biz_opaque_callback_data"], &entry["body"]), (&json!("v1:abc"), &body));
}

#[tokio::test]
async fn journal_pages_by_sequence_and_number() {
    let kit = Kit::with_open_window().await;
    for index in 0..3 {
        kit.accepted(&text(CUSTOMER, &index.to_string())).await;
    }
    let page = kit.admin(Method::GET, "journal?after=1&limit=1", json!({})).await;
    assert_eq!((&page["entries"][0]["sequence"], &page["last"]), (&json!(2), &json!(2)));
    let other = kit.admin(Method::GET, "journal?number=1", json!({})).await;
    assert_eq!(other["entries"], json!([]));
}

#[tokio::test]
async fn refused_message_is_not_journaled() {
    let kit = Kit::with_open_window().await;
    assert_eq!(kit.refused(&text(CUSTOMER, &"x".repeat(4097))).await, 100);
    assert_eq!(kit.refused(&json!({"to": CUSTOMER})).await, 100);
    assert!(kit.journal().await.is_empty());
    let refusals = kit.admin(Method::GET, "refusals", json!({})).await;
    assert_eq!(refusals.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn token_decides_who_may_send() {
    let kit = Kit::with_open_window().await;
    let other = json!({"phone_number_id": "2", "waba_id": "3", "tokens": ["other"]});
    kit.admin(Method::POST, "numbers", other).await;
    let error = async |number: &str, token: &str| -> (u16, Value) {
        let path = format!("{number}/messages");
        let response = kit.call(Method::POST, &path, token, Some(&text(CUSTOMER, "x"))).await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap()["error"].clone())
    };
    assert_eq!(error(NUMBER, "wrong").await.1["code"], 190);
    // The token is good, but not for this number, or the number is not there: the answers are alike.
    for number in [NUMBER, "9"] {
        let (status, error) = error(number, "other").await;
        assert_eq!((status, &error["code"], &error["error_subcode"]), (400, &json!(100), &json!(33)));
    }
    kit.admin(Method::PATCH, &format!("numbers/{NUMBER}"), json!({"token_error": 463})).await;
    let (status, dead) = error(NUMBER, TOKEN).await;
    assert_eq!((status, &dead["code"], &dead["error_subcode"]), (401, &json!(190), &json!(463)));
    let debug = kit.get(&format!("debug_token?input_token={TOKEN}")).await;
    assert_eq!((&debug["data"]["is_valid"], &debug["data"]["error"]["subcode"]), (&json!(false), &json!(463)));
}

#[tokio::test]
async fn user_id_belongs_into_recipient() {
    let kit = Kit::with_open_window().await;
    let customers = kit.admin(Method::GET, "customers", json!({})).await;
    let bsuid = customers[0]["bsuid"].as_str().unwrap().to_owned();
    // In `to` it is accepted and lost.
    let lost = kit.accepted(&text(&bsuid, "lost")).await;
    let mut body = text("", "arrives");
    body.as_object_mut().unwrap().remove("to");
    body["recipient"] = json!(bsuid);
    let (_, answer) = kit.send(&body).await;
    assert_eq!(answer["contacts"], json!([{"input": bsuid, "user_id": bsuid}]));
    let id = answer["messages"][0]["id"].as_str().unwrap();
    let statuses = kit.statuses(id, 2).await;
    assert_eq!(statuses[0]["recipient_user_id"], bsuid);
    assert!(kit.receiver.statuses(&lost).is_empty());
    let journal = kit.journal().await;
    assert_eq!((&journal[0]["delivered_to"], &journal[1]["delivered_to"]), (&Value::Null, &json!("15550100011")));
}

#[tokio::test]
async fn phone_without_plus_goes_astray() {
    let kit = Kit::start().await;
    let (_, answer) = kit.send(&text("4915550100013", "x")).await;
    assert_eq!(answer["contacts"][0]["wa_id"], "14915550100013");
}

#[tokio::test]
async fn unregistered_number_sends_after_registration() {
    let kit = Kit::with_open_window().await;
    kit.admin(Method::PATCH, &format!("numbers/{NUMBER}"), json!({"registered": false})).await;
    assert_eq!(kit.refused(&text(CUSTOMER, "x")).await, 133_010);
    let register = json!({"messaging_product": "whatsapp", "pin": "123456"});
    let response = kit.call(Method::POST, &format!("{NUMBER}/register"), TOKEN, Some(&register)).await.unwrap();
    assert_eq!(response.status(), 200);
    kit.accepted(&text(CUSTOMER, "x")).await;
}

#[tokio::test]
async fn read_receipt_and_typing_are_shown_on_the_phone() {
    let kit = Kit::start().await;
    let first = kit.customer_writes("one").await;
    let second = kit.customer_writes("two").await;
    let receipt = json!({
        "messaging_product": "whatsapp", "status": "read", "message_id": second, "typing_indicator": {"type": "text"},
    });
    assert_eq!(kit.send(&receipt).await, (200, json!({"success": true})));
    let chat = kit.chat().await;
    // A receipt marks everything before it, too.
    assert_eq!((&chat["messages"][0]["id"], &chat["messages"][0]["ticks"]), (&json!(first), &json!("read")));
    assert_eq!((&chat["messages"][1]["ticks"], &chat["business_types"]), (&json!("read"), &json!(true)));
    assert_eq!(kit.journal().await[0]["kind"], "typing");
    let unknown = json!({"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.none"});
    assert_eq!(kit.refused(&unknown).await, 131_009);
}
