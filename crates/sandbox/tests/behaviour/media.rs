//! Media files: what customers send, what the business uploads, and the faults of both.

use crate::kit::{CUSTOMER, Kit, NUMBER, TOKEN, WABA};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::time::Duration;

const BYTES: &[u8] = b"%PDF-1.4 a document";

/// A file of the customer. Answers its id.
async fn file(kit: &Kit) -> String {
    let path = kit.url(&format!("sandbox/media?phone_number_id={NUMBER}&mime_type=application/pdf&filename=a.pdf"));
    let answer: Value = reqwest::Client::new().post(path).body(BYTES).send().await.unwrap().json().await.unwrap();
    answer["id"].as_str().unwrap().to_owned()
}

/// The bytes at the address of a description, with the HTTP status.
async fn bytes(description: &Value) -> (u16, Result<Vec<u8>, reqwest::Error>) {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = client.get(description["url"].as_str().unwrap()).bearer_auth(TOKEN).send().await.unwrap();
    (answer.status().as_u16(), answer.bytes().await.map(|bytes| bytes.to_vec()))
}

async fn upload(kit: &Kit, mime_type: &str, bytes: Vec<u8>) -> (u16, Value) {
    let part = Part::bytes(bytes).file_name("a").mime_str(mime_type).unwrap();
    let form = Form::new().text("messaging_product", "whatsapp").part("file", part);
    let call =
        reqwest::Client::new().post(kit.url(&format!("v25.0/{NUMBER}/media"))).bearer_auth(TOKEN).multipart(form);
    let answer = call.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn file_of_a_customer_is_described_and_fetched() {
    let kit = Kit::start().await;
    let id = file(&kit).await;
    let message = json!({"phone_number_id": NUMBER, "from": CUSTOMER, "type": "document", "document": {"id": id}});
    kit.admin(Method::POST, "phone/messages", message).await;
    let webhook = crate::kit::until(async || kit.receiver.messages().first().cloned()).await;
    assert_eq!(webhook["document"]["filename"], "a.pdf");
    let description = kit.get(&format!("{id}?phone_number_id={NUMBER}")).await;
    assert_eq!(description["mime_type"], "application/pdf");
    assert_eq!(description["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(bytes(&description).await.1.unwrap(), BYTES);
    assert_eq!(kit.get(&format!("{id}?phone_number_id=1")).await["error"]["error_subcode"], 33);
}

#[tokio::test]
async fn address_and_file_expire() {
    let kit = Kit::start().await;
    let id = file(&kit).await;
    let description = kit.get(&id).await;
    kit.advance_clock(Duration::from_mins(5)).await;
    assert_eq!(bytes(&description).await.0, 404);
    assert_eq!(bytes(&kit.get(&id).await).await.0, 200);
    kit.advance_clock(Duration::from_hours(7 * 24)).await;
    assert_eq!(kit.get(&id).await["error"]["code"], 100);
}

#[tokio::test]
async fn address_wants_the_token_of_the_number() {
    let kit = Kit::start().await;
    let description = kit.get(&file(&kit).await).await;
    let url = description["url"].as_str().unwrap();
    let without = reqwest::get(url).await.unwrap();
    assert_eq!(without.status(), 401);
    let other = reqwest::Client::new().get(url).bearer_auth("other").send().await.unwrap();
    assert_eq!(other.status(), 401);
}

#[tokio::test]
async fn description_is_wrong_as_its_fault_says() {
    let kit = Kit::start().await;
    let id = file(&kit).await;
    kit.fault(json!({"fault": "wrong_media_hash", "count": 1})).await;
    assert_eq!(kit.get(&id).await["sha256"], "0".repeat(64));
    kit.fault(json!({"fault": "wrong_media_type", "count": 1})).await;
    assert_eq!(kit.get(&id).await["mime_type"], "image/png");
    kit.fault(json!({"fault": "wrong_media_size", "file_size": 2, "count": 1})).await;
    assert!(["2", "\"2\""].contains(&kit.get(&id).await["file_size"].to_string().as_str()));
    kit.fault(json!({"fault": "expired_media_address", "count": 1})).await;
    assert_eq!(bytes(&kit.get(&id).await).await.0, 404);
    kit.fault(json!({"fault": "error", "code": 190, "subcode": 463, "kind": "media_node", "count": 1})).await;
    assert_eq!(kit.get(&id).await["error"]["error_subcode"], 463);
}

#[tokio::test]
async fn bytes_are_spoiled_as_their_fault_says() {
    let kit = Kit::start().await;
    let description = kit.get(&file(&kit).await).await;
    let with = async |fault: Value| {
        kit.fault(fault).await;
        bytes(&description).await
    };
    assert!(with(json!({"fault": "media_cut_off", "count": 1})).await.1.is_err());
    assert_eq!(with(json!({"fault": "media_longer", "by": 3, "count": 1})).await.1.unwrap().len(), BYTES.len() + 3);
    let other = with(json!({"fault": "other_media_bytes", "count": 1})).await.1.unwrap();
    assert!(other.len() == BYTES.len() && other != BYTES);
    let location = "http://foreign.example/";
    assert_eq!(with(json!({"fault": "media_redirect", "location": location, "count": 1})).await.0, 302);
    assert_eq!(with(json!({"fault": "slow_media", "seconds": 0, "count": 1})).await.1.unwrap(), BYTES);
    assert_eq!(with(json!({"fault": "bad_gateway", "kind": "media_download", "count": 1})).await.0, 502);
    assert_eq!(bytes(&description).await.1.unwrap(), BYTES);
}

#[tokio::test]
async fn uploaded_file_is_sent_by_its_id() {
    let kit = Kit::with_open_window().await;
    let (status, answer) = upload(&kit, "image/png", b"picture".to_vec()).await;
    assert_eq!(status, 200);
    let image =
        |id: &Value| json!({"messaging_product": "whatsapp", "to": CUSTOMER, "type": "image", "image": {"id": id}});
    kit.accepted(&image(&answer["id"])).await;
    let files = kit.admin(Method::GET, "media?from_business=true", json!({})).await;
    assert_eq!((files[0]["sent"].as_u64(), files[0]["file_size"].as_u64()), (Some(1), Some(7)));
    assert_eq!(kit.refused(&image(&json!("123"))).await, 131_053);
    kit.call(Method::DELETE, answer["id"].as_str().unwrap(), TOKEN, None).await.unwrap();
    assert_eq!(kit.refused(&image(&answer["id"])).await, 131_053);
}

#[tokio::test]
async fn upload_of_a_wrong_type_or_size_is_refused() {
    let kit = Kit::start().await;
    assert_eq!(upload(&kit, "audio/webm", b"voice".to_vec()).await.1["error"]["code"], 100);
    assert_eq!(upload(&kit, "image/png", vec![0; (5 << 20) + 1]).await.1["error"]["code"], 131_053);
}

#[tokio::test]
async fn template_takes_the_handle_of_an_upload() {
    let kit = Kit::start().await;
    let begun =
        kit.call(Method::POST, "demo-app/uploads?file_length=4&file_type=image/png", TOKEN, None).await.unwrap();
    assert_eq!(begun.json::<Value>().await.unwrap()["error"]["code"], 100);
    let app =
        kit.admin(Method::GET, &format!("numbers/{NUMBER}"), json!({})).await["app_id"].as_str().unwrap().to_owned();
    let path = format!("{app}/uploads?file_length=4&file_type=image/png");
    let begun: Value = kit.call(Method::POST, &path, TOKEN, None).await.unwrap().json().await.unwrap();
    let url = kit.url(&format!("v25.0/{}", begun["id"].as_str().unwrap()));
    let client = reqwest::Client::new();
    let append = async |offset: &str, bytes: &'static [u8]| -> Value {
        let call = client.post(&url).header("Authorization", format!("OAuth {TOKEN}")).header("file_offset", offset);
        call.body(bytes).send().await.unwrap().json().await.unwrap()
    };
    assert_eq!(append("0", b"ab").await["success"], true);
    assert_eq!(append("0", b"cd").await["error"]["code"], 100);
    let handle = append("2", b"cd").await["h"].clone();
    let template = |handle: &Value| {
        json!({"name": "picture", "language": "en", "category": "UTILITY", "components": [
            {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": [handle]}}, {"type": "BODY", "text": "Hello"},
        ]})
    };
    let create = async |handle: &Value| -> Value {
        let answer = kit.call(Method::POST, &format!("{WABA}/message_templates"), TOKEN, Some(&template(handle))).await;
        answer.unwrap().json().await.unwrap()
    };
    assert_eq!(create(&json!("4:unknown")).await["error"]["error_subcode"], 2_388_273);
    assert_eq!(create(&handle).await["status"], "PENDING");
}
