//! Templates: how they are kept and how they are sent.

use crate::kit::{CUSTOMER, Kit, TOKEN, WABA, until};
use reqwest::Method;
use serde_json::{Value, json};

fn call(name: &str, language: &str, texts: &[&str]) -> Value {
    let parameters: Vec<Value> = texts.iter().map(|text| json!({"type": "text", "text": text})).collect();
    let components = json!([{"type": "body", "parameters": parameters}]);
    let template = json!({"name": name, "language": {"code": language}, "components": components});
    json!({"messaging_product": "whatsapp", "to": CUSTOMER, "type": "template", "template": template})
}

async fn id_of(kit: &Kit, name: &str) -> String {
    let found = kit.get(&format!("{WABA}/message_templates?name={name}")).await;
    found["data"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn template_is_sent_with_its_parameters() {
    let kit = Kit::start().await;
    let (status, answer) = kit.send(&call("order_update", "en_US", &["Ada", "A-1"])).await;
    assert_eq!((status, &answer["messages"][0]["message_status"]), (200, &json!("accepted")));
    assert_eq!(kit.chat().await["messages"][0]["rendered"], "Hello Ada, your order A-1 is on its way.");
    let id = answer["messages"][0]["id"].as_str().unwrap();
    assert_eq!(kit.statuses(id, 1).await[0]["pricing"]["category"], "utility");
}

#[tokio::test]
async fn wrong_call_of_a_template_is_refused() {
    let kit = Kit::start().await;
    let (_, answer) = kit.send(&call("order_update", "en_US", &["Ada"])).await;
    assert_eq!(answer["error"]["code"], 132_000);
    assert!(answer["error"]["error_data"]["details"].as_str().unwrap().contains("(1) does not match"));
    let (status, answer) = kit.send(&call("order_update", "de", &["Ada", "1"])).await;
    assert_eq!((status, &answer["error"]["code"]), (404, &json!(132_001)));
    assert_eq!(kit.refused(&call("order_update", "en_US", &["Ada", "a\tb"])).await, 132_018);
}

#[tokio::test]
async fn paused_and_disabled_templates_are_refused_and_told() {
    let kit = Kit::start().await;
    let id = id_of(&kit, "order_update").await;
    for (status, code) in [("PAUSED", 132_015), ("DISABLED", 132_016)] {
        kit.admin(Method::PATCH, &format!("templates/{id}"), json!({"status": status})).await;
        assert_eq!(kit.refused(&call("order_update", "en_US", &["Ada", "1"])).await, code);
    }
    let told = until(async || {
        let told = kit.receiver.changes("message_template_status_update");
        (told.len() == 2).then_some(told)
    })
    .await;
    let paused = told.iter().find(|value| value["event"] == "PAUSED").unwrap();
    assert_eq!(paused["message_template_id"].as_u64().unwrap().to_string(), id);
}

#[tokio::test]
async fn quality_and_category_are_told() {
    let kit = Kit::start().await;
    let id = id_of(&kit, "order_update").await;
    kit.admin(Method::PATCH, &format!("templates/{id}"), json!({"quality": "RED", "category": "MARKETING"})).await;
    let quality = until(async || kit.receiver.changes("message_template_quality_update").pop()).await;
    assert_eq!((&quality["previous_quality_score"], &quality["new_quality_score"]), (&json!("GREEN"), &json!("RED")));
    let category = until(async || kit.receiver.changes("template_category_update").pop()).await;
    assert_eq!((&category["previous_category"], &category["new_category"]), (&json!("UTILITY"), &json!("MARKETING")));
}

#[tokio::test]
async fn list_has_pages_and_filters() {
    let kit = Kit::start().await;
    for index in 0..30 {
        let body = json!([{"type": "BODY", "text": "Hi"}]);
        let template =
            json!({"waba_id": WABA, "name": format!("sample_{index:02}"), "language": "en", "components": body});
        kit.admin(Method::POST, "templates", template).await;
    }
    let mut names = Vec::new();
    let mut next = Some(kit.url(&format!("v25.0/{WABA}/message_templates?fields=name")));
    let client = reqwest::Client::new();
    while let Some(url) = next {
        let page: Value = client.get(url).bearer_auth(TOKEN).send().await.unwrap().json().await.unwrap();
        names.extend(page["data"].as_array().unwrap().iter().map(|template| template["name"].to_string()));
        next = page["paging"]["next"].as_str().map(str::to_owned);
    }
    assert_eq!(names.len(), 32);
    let found = kit.get(&format!("{WABA}/message_templates?name=sample_07&limit=5")).await;
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    let paused = kit.get(&format!("{WABA}/message_templates?status=PAUSED")).await;
    assert_eq!(paused["data"], json!([]));
}

#[tokio::test]
async fn new_template_is_reviewed_then_edited_then_deleted() {
    let kit = Kit::start().await;
    let path = format!("{WABA}/message_templates");
    let template = json!({
        "name": "welcome", "language": "en", "category": "UTILITY", "components": [{"type": "BODY", "text": "Welcome"}],
    });
    let created: Value = kit.call(Method::POST, &path, TOKEN, Some(&template)).await.unwrap().json().await.unwrap();
    assert_eq!(created["status"], "PENDING");
    let id = created["id"].as_str().unwrap();
    let again: Value = kit.call(Method::POST, &path, TOKEN, Some(&template)).await.unwrap().json().await.unwrap();
    assert_eq!(again["error"]["error_subcode"], 2_388_024);
    until(async || (kit.get(id).await["status"] == "APPROVED").then_some(())).await;
    let told = until(async || kit.receiver.changes("message_template_status_update").pop()).await;
    assert_eq!(told["event"], "APPROVED");
    let change = json!({"components": [{"type": "BODY", "text": "Good day"}]});
    let edited: Value = kit.call(Method::POST, id, TOKEN, Some(&change)).await.unwrap().json().await.unwrap();
    assert_eq!(edited["success"], true);
    assert_eq!(kit.get(id).await["components"][0]["text"], "Good day");
    let deletion = kit.call(Method::DELETE, &format!("{path}?name=welcome"), TOKEN, None).await.unwrap();
    assert_eq!(deletion.status(), 200);
    assert_eq!(kit.get(id).await["error"]["code"], 100);
}

#[tokio::test]
async fn one_time_code_cannot_go_to_a_user_id() {
    let kit = Kit::start().await;
    let components = json!([
        {"type": "BODY", "text": "{{1}} is your code"},
        {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"}]},
    ]);
    let code = json!({
        "waba_id": WABA, "name": "code", "language": "en", "category": "AUTHENTICATION", "components": components,
    });
    kit.admin(Method::POST, "templates", code).await;
    let mut body = call("code", "en", &["123456"]);
    body["recipient"] = json!("US.13491208655302741918");
    body.as_object_mut().unwrap().remove("to");
    assert_eq!(kit.refused(&body).await, 131_062);
}
