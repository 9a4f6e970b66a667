//! Unsupported, historic, unknown and malformed messages.

use serde_json::json;

use super::{Row, bare, check, parts, row};
use crate::kit::app::TestApp;
use crate::kit::customer::Customer;
use crate::kit::meta::{Number, fresh_wamid, second};

fn unsupported(name: &'static str, code: i64, text: &str) -> Row {
    let errors = json!([{"code": code, "title": "Message type unknown", "message": "Message type unknown",
                         "error_data": {"details": "Message type is currently not supported."}}]);
    bare(name, json!({"kind": "unsupported", "text": text})).with("type", json!("unsupported")).with("errors", errors)
}

fn typed(name: &'static str, kind: &str, text: &str) -> Row {
    bare(name, json!({"kind": kind, "text": text})).with("type", json!(kind))
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_messages_are_shown_not_dropped() {
    let unavailable = "Message unavailable: open WhatsApp on the phone to read it";
    let ad = json!({
        "source_url": "https://fb.me/1", "source_id": "120", "source_type": "ad", "headline": "Tea", "body": "Fresh",
        "media_type": "image", "image_url": "https://x.example/1", "ctwa_clid": "click",
        "welcome_message": {"text": "Hi!"},
    });
    let mut from_an_ad =
        unsupported("131060 after a click on an ad", 131_060, unavailable).with("referral", ad.clone());
    from_an_ad.seen["referral"] = ad;
    from_an_ad.seen["text"] = json!(format!("{unavailable}\nAd: Tea\nAd: Fresh"));
    from_an_ad.seen["parts"] =
        parts([("advert", "Ad", "Tea"), ("advert", "Ad", "Fresh"), ("url", "Ad", "https://fb.me/1")]);
    check(vec![
        unsupported("131051", 131_051, "Unsupported message"),
        unsupported("131060", 131_060, unavailable),
        from_an_ad,
        unsupported("an edit that is not supported", 131_051, "Unsupported message (edit)")
            .with("unsupported", json!({"type": "edit"})),
        typed("unknown, as older versions say", "unknown", "Unsupported message")
            .with("errors", json!([{"code": 131_051}])),
        bare("errors as before version 16", json!({"kind": "unsupported", "text": unavailable}))
            .with("type", json!("unsupported"))
            .with("errors", json!([{"code": "131060", "title": "t", "details": "d"}])),
        typed("request_welcome", "request_welcome", "Opened the chat"),
        typed("media_placeholder", "media_placeholder", "Media"),
        typed("ephemeral", "ephemeral", "Unsupported message"),
        typed("hsm", "hsm", "Unsupported message"),
        row("unknown kind", "hologram", json!({"x": [1]}), json!({"kind": "hologram", "text": "Unsupported message"})),
        bare("no kind", json!({"kind": "unknown", "text": "Unsupported message"})),
        bare("kind that is not a string", json!({"kind": "unknown", "text": "Unsupported message"}))
            .with("type", json!({"x": 1})),
        typed("text without a body", "text", "Empty message"),
        typed("image without a body", "image", "Picture"),
        typed("location without a body", "location", "Location"),
        typed("contacts without a body", "contacts", "Contact card"),
        typed("order without a body", "order", "Order"),
        typed("button without a body", "button", "Button"),
        typed("reaction without a body", "reaction", "Reaction"),
        typed("edit without a body", "edit", "Message edited"),
        typed("revoke without a body", "revoke", "Message deleted"),
        row("a body of another type", "text", json!(["Hi"]), json!({"kind": "text", "text": "Empty message"})),
        row(
            "context and referral of other types",
            "text",
            json!({"body": "Hi"}),
            json!({"kind": "text", "text": "Hi"}),
        )
        .with("context", json!(7))
        .with("referral", json!("ad")),
    ])
    .await;
}

/// JSON written by hand, as no library writes it.
fn raw(number: &Number, sender: &Customer, wamid: &str, body: &str) -> String {
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":{},"changes":[{{"field":"messages","value":{{
            "messaging_product":"whatsapp","metadata":{{"phone_number_id":{}}},
            "contacts":[{{"wa_id":{},"user_id":"{}"}}],
            "messages":[{{"id":"{wamid}","from":{},"from_user_id":"{}","timestamp":{},{body}}}]}}}}]}}]}}"#,
        number.waba_id,
        number.phone_number_id,
        sender.phone(),
        sender.bsuid(),
        sender.phone(),
        sender.bsuid(),
        second(super::AT),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn unusual_json_is_parsed_correctly() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let rows = [
        ("ids, numbers and times without quotes", r#""type":"text","text":{"body":"Hi"}"#.to_owned(), "Hi"),
        (
            "a key twice",
            r#""type":"image","type":"text","text":{"body":"first"},"text":{"body":"last"}"#.to_owned(),
            "last",
        ),
        ("NUL", r#""type":"text","text":{"body":"a\u0000b","\u0000":1}"#.to_owned(), "a\u{fffd}b"),
        ("half a surrogate pair", r#""type":"text","text":{"body":"a\ud83d b"}"#.to_owned(), "a\u{fffd} b"),
        ("both halves", r#""type":"text","text":{"body":"\ud83d\ude00 \/ \u003C"}"#.to_owned(), "😀 / <"),
        ("a key with half a pair", r#""type":"text","\udc00":1,"text":{"body":"Hi"}"#.to_owned(), "Hi"),
        ("deep nesting", format!(r#""type":"text","text":{{"body":"deep"}},"x":{deep}"#), "deep"),
        ("an empty key", r#""":{"":""},"type":"text","text":{"body":"Hi"}"#.to_owned(), "Hi"),
        ("a number that no number type holds", r#""type":"text","text":{"body":1e999}"#.to_owned(), "1e999"),
    ];
    for (name, body, text) in rows {
        let (sender, wamid) = (Customer::fresh(), fresh_wamid());
        app.deliver_bytes(raw(&number, &sender, &wamid, &body).as_bytes()).await.expect(200);
        app.wait_until_processed().await;
        let conversation = tenant.conversation_by_identity("bsuid", sender.bsuid()).await;
        assert_eq!(conversation.last_message_preview, text, "{name}");
        // serde_json cannot represent all of this, nor numbers of this size, so the test searches the text.
        let answer = tenant.client.get(&format!("{}?include=payload", conversation.messages_path())).await;
        answer.expect(200);
        assert!(answer.text.contains(&format!("{{\"id\":\"{wamid}\"")), "{name}: the payload is unchanged");
        assert!(answer.text.contains(&body), "{name}: the payload is unchanged");
        let contact = tenant.contact_by_identity("phone", sender.phone()).await;
        assert_eq!(contact.id, conversation.contact_id, "{name}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_megabyte_update_does_not_affect_others() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let (ada, grace, joan) = (Customer::fresh(), Customer::fresh(), Customer::fresh());
    let (huge, long) = ("word ".repeat(580_000), "word ".repeat(20_000));
    let messages = [ada.text(10, &huge), grace.text(11, "beside it"), joan.text(12, &long)];
    let delivery = number.delivery(&messages);
    assert!(delivery.to_string().len() > 2_900_000);
    app.process(&delivery).await;
    // Longer than WhatsApp allows: one is cut, and one is kept whole, but not read.
    for (sender, text) in [(&grace, "beside it"), (&joan, &long[..8_192])] {
        let conversation = tenant.conversation_by_identity("bsuid", sender.bsuid()).await;
        assert!(conversation.last_message_preview.chars().count() <= 121);
        let stored = tenant.messages(&conversation).await.remove(0);
        assert_eq!(stored.text, text);
    }
    let kept = format!(
        "SELECT octet_length(body)::bigint AS count FROM webhook_payloads p JOIN webhook_events e ON e.id = p.event_id
                         WHERE e.status = 'dead_letter' AND e.kind = 'unparsed' AND e.tenant_id = '{}'",
        tenant.id
    );
    assert!(app.database.count(&kept).await > 2_900_000);
    app.finish_with_dead_letters(1).await;
}
