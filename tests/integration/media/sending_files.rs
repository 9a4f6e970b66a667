//! Files in messages that are sent.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Setup;
use crate::kit::api::{Conversation, Message};
use crate::kit::client::Response;
use crate::kit::upload::{PNG, upload};
use crate::kit::wait;

/// A page of Ogg with Opus.
const VOICE: &[u8] =
    b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01\x13OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0";
const VIDEO: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08mdat";
const STICKER: &[u8] = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0";
const PDF: &[u8] = b"%PDF-1.4\ntrailer<</Root 1 0 R>>\n%%EOF\n";

struct Sending {
    setup: Setup,
    conversation: Conversation,
}

impl Sending {
    async fn new() -> Self {
        let setup = Setup::new().await;
        let (_, conversation) = setup.meta.conversation(&setup.tenant, &setup.line).await;
        Self { setup, conversation }
    }

    async fn id(&self, name: &str, mime_type: &str, bytes: &[u8]) -> String {
        upload(&self.setup.tenant.client, name, mime_type, bytes).await["id"].as_str().unwrap().to_owned()
    }

    async fn post(&self, content: &Value) -> Response {
        let path = format!("/crm/conversations/{}/messages", self.conversation.id);
        self.setup.tenant.client.post(&path, content).await
    }

    async fn sent(&self, content: &Value) -> Message {
        let message: Message = self.post(content).await.body(202);
        self.setup.tenant.wait_for_status(&message, "delivered").await
    }

    /// What the business uploaded to Meta.
    async fn at_meta(&self) -> Vec<Value> {
        let number = &self.setup.line.number.phone_number_id;
        let files = self.setup.meta.get(&format!("/media?number={number}&from_business=true")).await;
        files.as_array().unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_file_reaches_the_customer() {
    let sending = Sending::new().await;
    let image = sending.id("a.png", "image/png", PNG).await;
    let video = sending.id("a.mp4", "video/mp4", VIDEO).await;
    let voice = sending.id("a.ogg", "audio/ogg; codecs=opus", VOICE).await;
    let pdf = sending.id("a.pdf", "application/pdf", PDF).await;
    let sticker = sending.id("a.webp", "image/webp", STICKER).await;
    for (kind, body) in [
        ("image", json!({"media_id": image, "caption": "Look"})),
        ("video", json!({"media_id": video})),
        ("audio", json!({"media_id": voice, "voice": true})),
        ("document", json!({"media_id": pdf, "filename": "invoice.pdf"})),
        ("sticker", json!({"media_id": sticker})),
    ] {
        let id = body["media_id"].clone();
        let message = sending.sent(&json!({"type": kind, kind: body})).await;
        assert_eq!(message.kind, kind);
        let shown: Value = sending.setup.tenant.client.get(&format!("/crm/messages/{}", message.id)).await.json(200);
        assert_eq!(shown["media"]["content_id"], id, "{shown}");
        assert_eq!(shown["media"]["state"], "stored", "{shown}");
    }
    let journal = sending.setup.meta.journal(&sending.setup.line).await;
    assert_eq!(journal.len(), 5);
    let at_meta = sending.at_meta().await;
    for sent in &journal {
        let id = &sent.body[sent.kind.as_str()]["id"];
        assert!(at_meta.iter().any(|file| file["id"] == *id), "{}: {id}", sent.kind);
    }
    assert_eq!(journal[2].body["audio"]["voice"], true);
    assert_eq!(journal[3].body["document"]["filename"], "invoice.pdf");
    sending.setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_goes_to_meta_once_for_29_days() {
    let sending = Sending::new().await;
    let first = sending.id("a.png", "image/png", PNG).await;
    // Another file with the same bytes.
    let second = sending.id("b.png", "image/png", PNG).await;
    for id in [&first, &second, &first] {
        sending.sent(&json!({"type": "image", "image": {"media_id": id}})).await;
    }
    let at_meta = sending.at_meta().await;
    assert_eq!((at_meta.len(), at_meta[0]["sent"].as_u64()), (1, Some(3)));
    sending.setup.app.database.execute("UPDATE media_at_meta SET uploaded_at = uploaded_at - interval '29 days'").await;
    sending.sent(&json!({"type": "image", "image": {"media_id": first}})).await;
    assert_eq!(sending.at_meta().await.len(), 2);
    sending.setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn header_of_a_message_shows_a_file() {
    let sending = Sending::new().await;
    let image = sending.id("a.png", "image/png", PNG).await;
    let message = json!({"type": "interactive", "interactive": {
        "type": "button", "header": {"type": "image", "image": {"media_id": image}}, "body": {"text": "Which?"},
        "action": {"buttons": [{"type": "reply", "reply": {"id": "a", "title": "This"}}]},
    }});
    sending.sent(&message).await;
    let journal = sending.setup.meta.journal(&sending.setup.line).await;
    let id = &journal[0].body["interactive"]["header"]["image"]["id"];
    assert_eq!(*id, sending.at_meta().await[0]["id"]);
    sending.setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_does_not_fit_is_refused_before_meta_sees_it() {
    let sending = Sending::new().await;
    let image = sending.id("a.png", "image/png", PNG).await;
    let mut large = PNG.to_vec();
    large.resize(5 * 1024 * 1024 + 1, 0);
    let large = sending.id("large.png", "image/png", &large).await;
    let aac = sending.id("a.m4a", "audio/mp4", VIDEO).await;
    for (content, pointer) in [
        (json!({"type": "image", "image": {"media_id": large}}), "/image/media_id"),
        (json!({"type": "video", "video": {"media_id": image}}), "/video/media_id"),
        (json!({"type": "sticker", "sticker": {"media_id": image}}), "/sticker/media_id"),
        (json!({"type": "audio", "audio": {"media_id": aac, "voice": true}}), "/audio/media_id"),
        (json!({"type": "image", "image": {"media_id": "0190b5a2-7e2f-7000-8000-000000000000"}}), "/image/media_id"),
    ] {
        let problem = sending.post(&content).await.problem(422, "validation_failed");
        assert_eq!(problem.pointer(), pointer, "{content}");
    }
    // A file of another tenant is as unknown as none.
    let other = sending.setup.app.tenant().await;
    let foreign = upload(&other.client, "a.png", "image/png", PNG).await;
    let content = json!({"type": "image", "image": {"media_id": foreign["id"]}});
    sending.post(&content).await.problem(422, "validation_failed");
    assert_eq!((sending.at_meta().await.len(), sending.setup.meta.journal(&sending.setup.line).await.len()), (0, 0));
    sending.setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_upload_is_repeated_and_sends_once() {
    let sending = Sending::new().await;
    let image = sending.id("a.png", "image/png", PNG).await;
    let fault = json!({"fault": "bad_gateway", "kind": "media", "count": 2});
    sending.setup.meta.fault(&sending.setup.line, fault).await;
    let message: Message = sending.post(&json!({"type": "image", "image": {"media_id": image}})).await.body(202);
    wait::until("the message to be delivered", async || {
        // Retries come after some seconds.
        sending.setup.app.clock.advance(TimeDelta::seconds(1));
        let now = sending.setup.tenant.read_message(&message.id).await;
        (now.status.as_deref() == Some("delivered")).then_some(())
    })
    .await;
    assert_eq!(sending.setup.meta.journal(&sending.setup.line).await.len(), 1);
    sending.setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_meta_refuses_fails_the_message() {
    let sending = Sending::new().await;
    let image = sending.id("a.png", "image/png", PNG).await;
    let fault = json!({"fault": "error", "code": 131_053, "details": "Unsupported type", "kind": "media", "count": 1});
    sending.setup.meta.fault(&sending.setup.line, fault).await;
    let content = json!({"type": "image", "image": {"media_id": image}});
    let message: Message = sending.post(&content).await.body(202);
    let failed = sending.setup.tenant.wait_for_status(&message, "failed").await;
    assert_eq!(failed.error.unwrap().class, "media");
    assert_eq!(sending.setup.meta.journal(&sending.setup.line).await.len(), 0);
    // The refusal is forgotten: another message is tried anew.
    sending.sent(&content).await;
    sending.setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_meta_has_forgotten_is_uploaded_again_once() {
    let sending = Sending::new().await;
    let image = sending.id("a.png", "image/png", PNG).await;
    let content = json!({"type": "image", "image": {"media_id": image}});
    sending.sent(&content).await;
    let known = sending.at_meta().await[0]["id"].as_str().unwrap().to_owned();
    sending.setup.meta.delete(&format!("/media/{known}")).await;
    sending.sent(&content).await;
    let at_meta = sending.at_meta().await;
    assert!(at_meta.len() == 1 && at_meta[0]["id"] != *known);
    assert_eq!(sending.setup.meta.journal(&sending.setup.line).await.len(), 2);
    sending.setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn template_with_a_picture_is_created_and_sent() {
    let sending = Sending::new().await;
    let client = &sending.setup.tenant.client;
    let image = sending.id("a.png", "image/png", PNG).await;
    let template = json!({
        "account_id": sending.setup.line.account.id, "name": "picture", "language": "en", "category": "utility",
        "components": [
            {"type": "HEADER", "format": "IMAGE", "example": {"media_id": image}}, {"type": "BODY", "text": "Look."},
        ],
    });
    let created: Value = client.post("/templates", &template).await.json(201);
    let waba = &sending.setup.line.number.waba_id;
    let at_meta = sending.setup.meta.get(&format!("/templates?waba_id={waba}")).await;
    assert!(at_meta.to_string().contains(r#""header_handle":["4:"#), "{at_meta}");
    let path = format!("/templates/{}", created["id"].as_str().unwrap());
    wait::until("Meta's approval", async || {
        let now: Value = client.get(&path).await.json(200);
        (now["status"] == "approved").then_some(())
    })
    .await;
    let message = json!({"type": "template", "template": {"name": "picture", "language": "en", "components": [
        {"type": "header", "parameters": [{"type": "image", "image": {"media_id": image}}]},
    ]}});
    sending.sent(&message).await;
    let journal = sending.setup.meta.journal(&sending.setup.line).await;
    let id = &journal[0].body["template"]["components"][0]["parameters"][0]["image"]["id"];
    assert_eq!(*id, sending.at_meta().await[0]["id"]);
    let unknown = json!({"media_id": "0190b5a2-7e2f-7000-8000-000000000000"});
    let mut other = template.clone();
    (other["name"], other["components"][0]["example"]) = (json!("other"), unknown);
    client.post("/templates", &other).await.problem(422, "validation_failed");
    sending.setup.app.finish().await;
}
