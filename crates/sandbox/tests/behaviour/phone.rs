//! What the customer does, and what the phone page gets.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::{CUSTOMER, Kit, NUMBER, text, until};

#[tokio::test]
async fn customer_message_is_told_by_webhook() {
    let kit = Kit::start().await;
    let id = kit.customer_writes("Grüße / 🙂").await;
    let message = until(async || kit.receiver.messages().pop()).await;
    assert_eq!((&message["id"], &message["text"]["body"]), (&json!(id), &json!("Grüße / 🙂")));
    assert_eq!(message["from"], "15550100011");
    let value = kit.receiver.changes("messages").pop().unwrap();
    assert_eq!(value["contacts"][0]["user_id"], message["from_user_id"]);
    assert_eq!(value["metadata"]["phone_number_id"], NUMBER);
}

#[tokio::test]
async fn person_with_hidden_phone_is_known_by_user_id() {
    let kit = Kit::start().await;
    let person = json!({"phone": "15550100055", "bsuid": "US.55", "username": "ada", "phone_hidden": true});
    kit.admin(Method::POST, "customers", person).await;
    let message = json!({"phone_number_id": NUMBER, "from": "US.55", "text": "Hello"});
    kit.admin(Method::POST, "phone/messages", message).await;
    let message = until(async || kit.receiver.messages().pop()).await;
    assert_eq!(message["from_user_id"], "US.55");
    assert!(message.get("from").is_none());
    let mut body = text("", "Hello");
    body.as_object_mut().unwrap().remove("to");
    body["recipient"] = json!("US.55");
    let statuses = kit.statuses(&kit.accepted(&body).await, 1).await;
    assert!(statuses[0].get("recipient_id").is_none());
}

#[tokio::test]
async fn replies_reactions_and_pictures_have_their_shapes() {
    let kit = Kit::with_open_window().await;
    let id = kit.accepted(&text(CUSTOMER, "Hello")).await;
    let write = async |mut message: Value| {
        message["phone_number_id"] = json!(NUMBER);
        message["from"] = json!(CUSTOMER);
        kit.admin(Method::POST, "phone/messages", message).await;
    };
    write(json!({"type": "reaction", "reaction": {"message_id": id, "emoji": "👍"}})).await;
    write(json!({"type": "image", "image": {"caption": "Look"}, "reply_to": id})).await;
    let reply = json!({"type": "button_reply", "button_reply": {"id": "yes", "title": "Yes"}});
    write(json!({"type": "interactive", "interactive": reply, "reply_to": id})).await;
    let messages = until(async || {
        let messages = kit.receiver.messages();
        (messages.len() == 4).then_some(messages)
    })
    .await;
    let of = |kind: &str| messages.iter().find(|message| message["type"] == kind).unwrap();
    assert_eq!(of("reaction")["reaction"]["message_id"], id);
    assert!(of("image")["image"]["id"].is_string() && of("image")["image"]["sha256"].is_string());
    assert_eq!(of("image")["context"], json!({"from": "15550100001", "id": id}));
    assert_eq!(of("interactive")["interactive"]["button_reply"]["id"], "yes");
    assert_eq!(kit.chat().await["messages"][1]["customer_reaction"], "👍");
}

#[tokio::test]
async fn reaction_of_the_business_is_only_sent() {
    let kit = Kit::start().await;
    let id = kit.customer_writes("Hello").await;
    let react = |target: &str| {
        let reaction = json!({"message_id": target, "emoji": "❤️"});
        json!({"messaging_product": "whatsapp", "to": CUSTOMER, "type": "reaction", "reaction": reaction})
    };
    let reaction = kit.accepted(&react(&id)).await;
    let wrong = kit.accepted(&react("wamid.none")).await;
    assert_eq!(kit.statuses(&wrong, 1).await[0]["errors"][0]["code"], 131_009);
    assert_eq!(kit.status_names(&reaction, 1).await, ["sent"]);
    assert_eq!(kit.chat().await["messages"][0]["business_reaction"], "❤️");
}

#[tokio::test]
async fn open_page_sees_changes_as_they_happen() {
    let kit = Kit::with_open_window().await;
    let mut events = reqwest::get(kit.url("sandbox/phone/events")).await.unwrap();
    // The stream begins with a comment: from then on nothing is missed.
    events.chunk().await.unwrap().unwrap();
    let id = kit.accepted(&text(CUSTOMER, "Hello")).await;
    let mut seen = String::new();
    while !(seen.contains(&id) && seen.contains("\"delivered\"")) {
        let part = tokio::time::timeout(Duration::from_secs(20), events.chunk()).await.unwrap();
        seen.push_str(std::str::from_utf8(&part.unwrap().unwrap()).unwrap());
    }
}

#[tokio::test]
async fn page_needs_nothing_from_elsewhere() {
    let kit = Kit::start().await;
    for path in ["", "phone.css", "phone.js"] {
        let asset = reqwest::get(kit.url(path)).await.unwrap().text().await.unwrap();
        assert!(!asset.is_empty(), "{path}");
        assert!(!asset.contains("https://") && !asset.contains("http://"), "{path}");
    }
}

#[tokio::test]
async fn any_change_can_be_sent() {
    let kit = Kit::start().await;
    let value = json!({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": ["DISABLE"]}});
    let change = json!({"phone_number_id": NUMBER, "field": "account_update", "value": value});
    kit.admin(Method::POST, "webhooks/send", change).await;
    let told = until(async || kit.receiver.changes("account_update").pop()).await;
    assert_eq!(told["event"], "DISABLED_UPDATE");
}
