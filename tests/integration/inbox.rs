//! From a delivery to the conversation.

use diesel_async::SimpleAsyncConnection;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::kit::api::{Contact, ReplyTo, column};
use crate::kit::app::{Settings, TestApp};
use crate::kit::meta::{fresh_wamid, text};
use crate::kit::wait;

async fn app() -> TestApp {
    TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn message_creates_contact_and_conversation() {
    let app = app().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let mut message = text("15550100", "Hello,\nare you open? é 😀 \"/");
    message["from_user_id"] = json!("US.13491208655302741918");
    message["context"] = json!({"from": "15550000000", "id": "wamid.unknown"});
    message["referral"] = json!({"source_type": "ad", "source_id": "17"});
    app.deliver(&number.delivery(&[message.clone()])).await.expect(200);

    let conversation = tenant.wait_for_conversations(1).await.remove(0);
    assert_eq!(conversation.contact.display_name, "Ada Lovelace");
    assert_eq!(conversation.status, "open");
    assert_eq!(conversation.unread_count, 1);
    assert_eq!(conversation.last_message_preview, "Hello, are you open? é 😀 \"/");
    assert_eq!(conversation.assignee_id, None);
    let sent: i64 = message["timestamp"].as_str().unwrap().parse().unwrap();
    let time = |value: &str| chrono::DateTime::parse_from_rfc3339(value).unwrap().timestamp();
    assert_eq!(time(&conversation.last_message_at), sent);
    assert_eq!(time(conversation.window_end()), sent + 24 * 3_600);

    let stored = tenant.messages(&conversation).await.remove(0);
    assert_eq!(stored.wamid.as_deref(), message["id"].as_str());
    assert_eq!((stored.direction.as_str(), stored.kind.as_str()), ("inbound", "text"));
    assert_eq!(stored.text, message["text"]["body"]);
    assert_eq!(stored.payload, message);
    assert_eq!(stored.reply_to, Some(ReplyTo { wamid: "wamid.unknown".to_owned(), message_id: None }));
    assert_eq!(stored.referral.as_ref(), Some(&message["referral"]));

    let contact = tenant.client.list::<Contact>("/crm/contacts").await.remove(0);
    let mut kinds = column(&contact.identities, |it| it.kind.as_str());
    kinds.sort_unstable();
    assert_eq!(kinds, ["bsuid", "phone"]);
    assert_eq!(tenant.client.reload(&conversation).await, conversation);
    assert_eq!(app.database.count("SELECT count(*) FROM interactions WHERE kind = 'inbound_message'").await, 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_kind_is_stored_as_text_and_payload() {
    let app = app().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let body = |kind: &str, body: Value| json!({"type": kind, kind: body});
    let kinds = [
        (body("image", json!({"id": "7", "mime_type": "image/jpeg", "sha256": "x=", "caption": "Look"})), "Look"),
        (body("video", json!({"id": "11", "caption": "Clip"})), "Clip"),
        (body("voice", json!({"id": "12"})), "Voice message"),
        (body("interactive", json!({"type": "list_reply", "list_reply": {"id": "1", "title": "Large"}})), "Large"),
        (body("interactive", json!({"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent"}})), "Sent"),
        (json!({"type": "unsupported", "errors": [{"code": 131_051}]}), "Unsupported message"),
        (json!({"type": "request_welcome"}), "Opened the chat"),
        (body("audio", json!({"id": "8", "mime_type": "audio/ogg; codecs=opus", "voice": true})), "Voice message"),
        (body("document", json!({"id": "9", "filename": "a.pdf"})), "a.pdf"),
        (body("sticker", json!({"id": "10"})), "Sticker"),
        (body("location", json!({"latitude": 1.5, "longitude": 2.5})), "1.5, 2.5"),
        (body("contacts", json!([{"name": {"formatted_name": "Grace"}}])), "Grace"),
        (body("interactive", json!({"type": "button_reply", "button_reply": {"id": "1", "title": "Yes"}})), "Yes"),
        (body("button", json!({"text": "Stop", "payload": "stop"})), "Stop"),
        (body("order", json!({"product_items": [{"product_retailer_id": "A", "quantity": 2}]})), "2 x A"),
        (json!({"type": "interactive"}), "Interactive reply"),
        (
            json!({"type": "unsupported", "errors": [{"code": 131_060}]}),
            "Message unavailable: open WhatsApp on the phone to read it",
        ),
        (body("hologram", json!({"x": 1})), "Unsupported message"),
        (json!({}), "Unsupported message"),
        (body("text", json!({"body": "nul \u{0} in it"})), "nul \u{fffd} in it"),
    ];
    for (mut message, expected) in kinds {
        let wamid = fresh_wamid();
        message["id"] = json!(wamid);
        message["from"] = json!("15550100");
        message["timestamp"] = json!("1790000000");
        app.deliver(&number.delivery(&[message.clone()])).await.expect(200);
        app.wait_until_processed().await;
        let conversation = tenant.conversations().await.remove(0);
        let messages = tenant.messages(&conversation).await;
        let stored = messages.iter().find(|stored| stored.wamid.as_deref() == Some(wamid.as_str())).unwrap();
        assert_eq!(stored.text, expected, "{message}");
        assert_eq!(stored.kind, message.get("type").cloned().unwrap_or(json!("unknown")));
        assert_eq!(stored.payload, message);
        assert_eq!(
            stored.media.is_some(),
            message.to_string().contains("\"id\":\"7\"")
                || ["audio", "document", "sticker", "video", "voice"].iter().any(|k| message["type"] == *k)
        );
    }
    assert_eq!(app.database.count("SELECT count(*) FROM contacts").await, 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn customer_without_phone_number_becomes_contact() {
    let app = app().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let mut message = text("x", "no number");
    message.as_object_mut().unwrap().remove("from");
    message["from_user_id"] = json!("BR.77");
    app.deliver(&number.delivery(&[message.clone()])).await.expect(200);
    tenant.wait_for_conversations(1).await;

    // The number becomes known later: the contact is the same.
    let mut later = text("5511987654321", "with number");
    later["from_user_id"] = json!("BR.77");
    app.deliver(&number.delivery(&[later])).await.expect(200);
    app.wait_until_processed().await;
    let conversation = tenant.conversations().await;
    assert_eq!(conversation.len(), 1);
    assert_eq!(conversation[0].unread_count, 2);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn brazilian_number_spellings_are_one_contact() {
    let app = app().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    for from in ["551187654321", "5511987654321"] {
        app.deliver(&number.delivery(&[text(from, "hello")])).await.expect(200);
        app.wait_until_processed().await;
    }
    assert_eq!(tenant.conversations().await.len(), 1);
    assert_eq!(app.database.count("SELECT count(*) FROM contact_identities WHERE kind = 'phone'").await, 2);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_first_messages_create_one_contact() {
    let app = app().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let deliveries: Vec<Value> =
        (0..30).map(|n| number.delivery(&[text("15550100", &format!("message {n}"))])).collect();
    let answers = join_all(deliveries.iter().map(|delivery| app.deliver(delivery))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    app.wait_until_processed().await;
    for (table, rows) in
        [("contacts", 1), ("contact_identities", 1), ("conversations", 1), ("messages", 30), ("interactions", 30)]
    {
        assert_eq!(app.database.count(&format!("SELECT count(*) FROM {table}")).await, rows, "{table}");
    }
    assert_eq!(tenant.conversations().await[0].unread_count, 30);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn late_message_does_not_become_latest() {
    let app = app().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let at = |time: i64, body: &str| {
        let mut message = text("15550100", body);
        message["timestamp"] = json!(time.to_string());
        number.delivery(&[message])
    };
    for (time, body) in [(1_790_000_100, "new"), (1_790_000_000, "old")] {
        app.deliver(&at(time, body)).await.expect(200);
        app.wait_until_processed().await;
    }
    let conversation = tenant.conversations().await.remove(0);
    assert_eq!(conversation.last_message_preview, "new");
    assert_eq!(conversation.unread_count, 2);
    assert_eq!(column(&tenant.messages(&conversation).await, |it| &it.text), ["new", "old"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn message_with_future_time_gets_receive_time() {
    let app = app().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let mut message = text("15550100", "from the year 3000");
    message["timestamp"] = json!("32503680000");
    app.deliver(&number.delivery(&[message])).await.expect(200);
    let conversation = tenant.wait_for_conversations(1).await.remove(0);
    let at = chrono::DateTime::parse_from_rfc3339(&conversation.last_message_at).unwrap();
    assert_eq!(at, kernel::Clock::now(&*app.clock));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn message_after_close_opens_new_conversation_once() {
    let app = app().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let first = number.delivery(&[text("15550100", "first")]);
    app.deliver(&first).await.expect(200);
    app.wait_until_processed().await;
    let conversation = tenant.conversations().await.remove(0);
    tenant.client.change(&conversation, json!({"status": "closed"})).await;

    // A replayed event is already stored and opens no conversation.
    app.database
        .execute(
            "UPDATE webhook_events SET status = 'received';
             INSERT INTO webhook_outbox (event_id, tenant_id, not_before) SELECT id, tenant_id, received_at FROM webhook_events",
        )
        .await;
    app.wait_until_processed().await;
    assert_eq!(tenant.conversations().await.len(), 1);

    app.deliver(&number.delivery(&[text("15550100", "second")])).await.expect(200);
    app.wait_until_processed().await;
    let conversations = tenant.conversations().await;
    let mut statuses = column(&conversations, |it| it.status.as_str());
    statuses.sort_unstable();
    assert_eq!(statuses, ["closed", "open"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_message_is_dead_lettered_others_processed() {
    let app = app().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let (mut broken, mut endless) = (text("15550100", "broken"), text("15550100", "endless"));
    broken.as_object_mut().unwrap().remove("id");
    endless["id"] = json!("x".repeat(100_000));
    let messages = [text("15550100", "before"), broken, endless, text("15550100", "after")];
    app.deliver(&number.delivery(&messages)).await.expect(200);
    let conversation = tenant.wait_for_conversations(1).await.remove(0);
    app.wait_until_processed().await;
    assert_eq!(tenant.messages(&conversation).await.len(), 2);
    let dead = format!(
        "SELECT count(*) FROM webhook_events WHERE status = 'dead_letter' AND tenant_id = '{}' AND error_class = 'permanent'",
        tenant.id
    );
    assert_eq!(app.database.count(&dead).await, 2);
    app.finish_with_dead_letters(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_tenant_does_not_delay_others() {
    let app = app().await;
    let (slow, other) = (app.tenant().await, app.tenant().await);
    let (slow_number, number) = (slow.connect().await, other.connect().await);
    let mut admin = app.database.admin().await;
    // While the tenant's row is locked, no contact can be created.
    let hold = format!("BEGIN; SELECT id FROM tenants WHERE id = '{}' FOR UPDATE", slow.id);
    admin.batch_execute(&hold).await.unwrap();
    app.deliver(&slow_number.delivery(&[text("15550100", "later")])).await.expect(200);
    wait::until("the worker to block", async || {
        let waits =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        (app.database.count(waits).await > 0).then_some(())
    })
    .await;

    app.deliver(&number.delivery(&[text("15550101", "now")])).await.expect(200);
    assert_eq!(other.wait_for_conversations(1).await[0].last_message_preview, "now");
    assert_eq!(slow.conversations().await, []);
    admin.batch_execute("COMMIT").await.unwrap();
    assert_eq!(slow.wait_for_conversations(1).await[0].last_message_preview, "later");
    app.finish().await;
}
