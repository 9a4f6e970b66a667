//! The business's phone app: echoes, address book sync, and marketing preferences.

use serde_json::{Value, json};

use super::super::kinds;
use crate::kit::api::column;
use crate::kit::app::TestApp;
use crate::kit::customer::{Customer, wamid};
use crate::kit::meta::second;

#[tokio::test(flavor = "multi_thread")]
async fn echo_of_each_kind_is_outbound_message() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let mut deliveries = Vec::new();
    let rows = [
        ("text", json!({"body": "Hello"}), "Hello"),
        ("image", json!({"id": "1", "caption": "Look"}), "Look"),
        ("audio", json!({"id": "2", "voice": true}), "Voice message"),
        ("document", json!({"id": "3", "filename": "a.pdf"}), "a.pdf"),
        ("location", json!({"latitude": 1, "longitude": 2}), "1, 2"),
        (
            "contacts",
            json!([{"name": {"formatted_name": "Grace"}, "origin": "contact_request",
                             "phones": [{"phone": "+1 555 0177", "wa_id": "15550177"}]}]),
            "Grace\nPhone: +1 555 0177",
        ),
        ("unsupported", json!({}), "Unsupported message"),
    ];
    let rows = rows.map(|(kind, body, text)| {
        let ada = Customer::fresh();
        let mut message = ada.echo(10, kind, body);
        message["message_creation_type"] = json!("created_by_1p_bot");
        deliveries.push(number.echoes(std::slice::from_ref(&message)));
        (kind, ada, message, text)
    });
    for delivery in deliveries.iter().chain(&deliveries) {
        app.deliver(delivery).await.expect(200);
    }
    app.wait_until_processed().await;
    for (kind, ada, message, text) in rows {
        let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
        let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
        assert_eq!((conversation.unread_count, conversation.read_only), (0, false), "{kind}");
        assert_eq!(conversation.last_message_preview, crm::preview(text), "{kind}");
        assert_eq!(conversation.service_window_ends_at, None, "{kind}");
        let stored = tenant.messages(&conversation).await;
        assert_eq!(stored.len(), 1, "{kind}");
        let stored = &stored[0];
        assert_eq!((stored.direction.as_str(), stored.origin.as_str()), ("outbound", "native_app"), "{kind}");
        assert_eq!((stored.kind.as_str(), stored.text.as_str()), (kind, text), "{kind}");
        assert_eq!(stored.delivery_status.as_deref(), Some("sent"), "{kind}");
        assert_eq!(stored.payload, message, "{kind}");
        assert_eq!(kinds(&tenant.interactions(&contact).await), ["outbound_message"], "{kind}");
        // A contact card sent by the business reveals nothing about the customer.
        let own = vec![format!("bsuid {}", ada.bsuid()), format!("phone {}", ada.phone())];
        assert_eq!(contact.identity_lines(), (own, vec![]), "{kind}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn echo_before_or_after_first_message_is_accepted() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    for order in [[0, 1], [1, 0]] {
        let ada = Customer::fresh();
        let deliveries = [
            number.echoes(&[ada.echo(10, "text", json!({"body": "Hello"}))]),
            number.received(&ada, &[ada.text(20, "Hi")]),
        ];
        for index in order {
            app.process(&deliveries[index]).await;
        }
        let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
        assert_eq!(column(&tenant.messages(&conversation).await, |it| &it.text), ["Hi", "Hello"], "{order:?}");
        assert_eq!(
            (conversation.unread_count, conversation.contact.display_name.as_str()),
            (1, "Ada Lovelace"),
            "{order:?}"
        );
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn address_book_sync_is_only_a_hint() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    app.process(&number.received(&ada, &[ada.text(1, "Hi")])).await;
    let entry = |at: i64, action: &str, contact: Value| json!({"type": "contact", "action": action, "contact": contact, "metadata": {"timestamp": second(at).to_string()}});
    let named = |name: &str| json!({"full_name": name, "phone_number": format!("+{}", ada.phone())});
    let rows = [
        ("added", entry(20, "add", named("Ada of the office")), "Ada of the office"),
        ("late event", entry(10, "add", named("Ada")), "Ada of the office"),
        ("removed", entry(30, "remove", json!({"phone_number": ada.phone})), "Ada of the office"),
        (
            "added again, by user id",
            entry(40, "add", json!({"first_name": "Countess", "user_id": ada.bsuid})),
            "Countess",
        ),
        ("a user name alone", entry(50, "add", json!({"full_name": "Nobody", "username": "@nobody"})), "Countess"),
        ("entry that is not a contact", json!({"type": "label", "label": {}}), "Countess"),
        ("unknown action", entry(60, "archive", named("Archived")), "Countess"),
    ];
    for (name, entry, expected) in rows {
        app.process(&number.change("smb_app_state_sync", json!({"state_sync": [entry]}))).await;
        let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
        assert_eq!(contact.display_name, expected, "{name}");
    }
    assert_eq!(tenant.contacts().await.len(), 1);
    let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
    let book = tenant.interactions(&contact).await;
    assert_eq!(kinds(&book).iter().filter(|kind| **kind == "address_book").count(), 4);
    app.finish().await;
}

/// When each category was accepted or declined.
type Preferences = &'static [(i64, &'static str, &'static str)];

#[tokio::test(flavor = "multi_thread")]
async fn consent_events_cover_marketing_only() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let preference = |ada: &Customer, at: i64, category: &str, value: &str| {
        json!({"wa_id": ada.phone, "user_id": ada.bsuid, "detail": "User requested", "category": category, "value": value,
               "timestamp": second(at)})
    };
    let marketing = "marketing_messages";
    let rows: [(&str, Preferences, &str); 6] = [
        ("stop", &[(10, "marketing_messages", "stop")], "withdrawn"),
        ("resume", &[(10, "marketing_messages", "resume")], "granted"),
        ("stop, then resume", &[(10, "marketing_messages", "stop"), (20, "marketing_messages", "resume")], "granted"),
        (
            "the same, in reverse order",
            &[(20, "marketing_messages", "resume"), (10, "marketing_messages", "stop")],
            "granted",
        ),
        ("both at once: no", &[(10, "marketing_messages", "stop"), (10, "marketing_messages", "resume")], "withdrawn"),
        ("another category", &[(10, "marketing_messages", "resume"), (20, "utility_messages", "stop")], "granted"),
    ];
    let mut people = Vec::new();
    for (name, preferences, expected) in rows {
        let ada = Customer::fresh();
        for (at, category, value) in preferences {
            let value =
                json!({"contacts": [ada.entry()], "user_preferences": [preference(&ada, *at, category, value)]});
            app.process(&number.change("user_preferences", value)).await;
        }
        people.push((
            name,
            ada,
            preferences.iter().filter(|(_, category, _)| *category == marketing).count(),
            expected,
        ));
    }
    for (name, ada, lines, expected) in people {
        let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
        assert_eq!(
            (contact.marketing_consent.as_str(), contact.display_name.as_str()),
            (expected, "Ada Lovelace"),
            "{name}"
        );
        assert_eq!(kinds(&tenant.interactions(&contact).await), vec!["consent_changed"; lines], "{name}");
    }
    assert_eq!(tenant.conversations().await, []);
    // `stop` in a message text is only text; preferences come as events.
    let ada = Customer::fresh();
    let stop = ada.message(10, "button", json!({"text": "Stop promotions", "payload": "stop"}));
    app.process(&number.received(&ada, std::slice::from_ref(&stop))).await;
    let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
    assert_eq!(contact.marketing_consent, "unknown");
    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    assert_eq!(tenant.message(&conversation, wamid(&stop)).await.text, "Stop promotions");
    app.finish().await;
}
