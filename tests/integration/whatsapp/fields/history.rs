//! Messages from before the number was connected.

use serde_json::{Value, json};

use super::super::kinds;
use crate::kit::api::{Conversation, Reaction, column};
use crate::kit::app::TestApp;
use crate::kit::customer::{Customer, wamid};
use crate::kit::meta::{Number, fresh_wamid, time};

fn chunk(number: &Number, phase: i64, order: i64, progress: i64, threads: &Value) -> Value {
    let metadata = json!({"phase": phase, "chunk_order": order, "progress": progress});
    number.change("history", json!({"history": [{"metadata": metadata, "threads": threads}]}))
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_chunks_in_any_order_import_once() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let with_status = |mut message: Value, status: &str| {
        message["history_context"] = json!({"status": status});
        message
    };
    let messages: Vec<Value> = vec![
        ada.text(10, "First"),
        with_status(ada.echo(20, "text", json!({"body": "Second"})), "READ"),
        ada.message(30, "location", json!({"latitude": 1.5, "longitude": 2, "name": "Here"})),
        with_status(ada.echo(40, "text", json!({"body": "Fourth"})), "ERROR"),
        with_status(ada.echo(50, "text", json!({"body": "Fifth"})), "PENDING"),
        with_status(ada.echo(60, "text", json!({"body": "Sixth"})), "DELIVERED"),
    ];
    let of = |messages: &[Value]| json!([{"id": ada.phone, "context": {"wa_id": ada.phone, "user_id": ada.bsuid}, "messages": messages}]);
    let live = ada.text(70, "Live");
    for delivery in [
        chunk(&number, 2, 2, 100, &of(&messages[4..])),
        number.received(&ada, std::slice::from_ref(&live)),
        chunk(&number, 0, 1, 30, &of(&messages[..2])),
        chunk(&number, 1, 1, 60, &of(&messages[2..4])),
        // Sent again in other chunks, one of them including the live message.
        chunk(&number, 1, 2, 70, &of(&[messages[3].clone(), messages[0].clone(), live])),
    ] {
        app.process(&delivery).await;
    }
    let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
    let conversation = tenant.open_conversation_with(&contact).await;
    assert_eq!(column(&tenant.messages(&conversation).await, |it| &it.text), ["Live"]);
    let past = tenant.client.read::<Conversation>(&conversation.previous_path()).await;
    assert_eq!((past.status.as_str(), past.closed_reason.as_deref()), ("closed", Some("imported")));
    assert_eq!((past.unread_count, past.previous_conversation_id.as_deref()), (0, None));
    assert_eq!(tenant.messages(&past).await.len(), 6);
    let stored = tenant.messages_with(&contact, "").await;
    assert_eq!(column(&stored, |it| &it.text), ["Live", "Sixth", "Fifth", "Fourth", "Here", "Second", "First"]);
    let statuses = [None, Some("delivered"), Some("pending"), Some("failed"), None, Some("read"), None];
    assert_eq!(column(&stored, |it| it.delivery_status.as_deref()), statuses);
    assert_eq!((stored[0].origin.as_str(), stored[6].origin.as_str()), ("live", "history"));
    assert_eq!(
        (
            conversation.unread_count,
            conversation.last_message_preview.as_str(),
            conversation.service_window_ends_at.as_deref()
        ),
        (1, "Live", Some(time(70 + 24 * 3_600).as_str()))
    );
    assert_eq!(tenant.interactions(&contact).await.len(), 7);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn late_media_replaces_placeholder() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let (theirs, ours) = (fresh_wamid(), fresh_wamid());
    let with_id = |mut message: Value, id: &str| {
        message["id"] = json!(id);
        message
    };
    let placeholders = [
        with_id(ada.message(10, "media_placeholder", json!({})), &theirs),
        with_id(ada.echo(20, "media_placeholder", json!({})), &ours),
    ];
    app.process(&number.history(&[(&ada, &placeholders)])).await;
    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    assert_eq!(column(&tenant.messages(&conversation).await, |it| &it.text), ["Media", "Media"]);
    // Its entry in the history names the message, too, and keeps its text.
    app.process(&number.statuses(&[ada.status(30, &ours, "failed")])).await;

    let picture = json!({"id": "7", "mime_type": "image/jpeg", "sha256": "aGFzaA==", "caption": "Look"});
    let files = json!({
        "contacts": [ada.entry()],
        "messages": [with_id(ada.message(10, "image", picture), &theirs)],
        "message_echoes": [with_id(ada.echo(20, "audio", json!({"id": "8", "voice": true})), &ours)],
    });
    app.process(&number.change("history", files)).await;
    let stored = tenant.messages(&conversation).await;
    assert_eq!(column(&stored, |it| &it.text), ["Voice message", "Look"]);
    assert_eq!(column(&stored, |it| &it.kind), ["audio", "image"]);
    assert_eq!(column(&stored, |it| it.media.as_ref().unwrap().id.as_deref().unwrap()), ["8", "7"]);
    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    assert_eq!((conversation.last_message_preview.as_str(), conversation.unread_count), ("Voice message", 0));
    let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
    let interactions = tenant.interactions(&contact).await;
    assert_eq!(
        (kinds(&interactions), column(&interactions, |it| it.text.as_str())),
        (
            vec!["delivery_failed", "outbound_message", "inbound_message"],
            vec!["The message could not be delivered", "Voice message", "Look"]
        )
    );
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn history_errors_are_account_health() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let errors = json!([{"code": 2_593_109, "title": "History sync is turned off by the business from the WhatsApp Business App",
                         "message": "History sync is turned off", "error_data": {"details": "Turned off"}}]);
    app.process(&number.change("history", json!({"history": [{"errors": errors}]}))).await;
    // Only progress, nothing to import.
    app.process(&chunk(&number, 0, 1, 5, &json!([]))).await;
    let account = tenant.accounts().await.remove(0);
    assert_eq!((&account.health["history"]["detail"], account.status.as_str()), (&errors, "active"));
    assert_eq!(tenant.contacts().await, []);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn history_applies_reactions_edits_and_revocations() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let (edited, revoked) = (ada.text(10, "Helo"), ada.text(11, "Oops"));
    let edit = json!({"original_message_id": wamid(&edited), "message": {"type": "text", "text": {"body": "Hello"}}});
    let past = [
        ada.message(20, "edit", edit),
        ada.echo(30, "reaction", json!({"message_id": wamid(&edited), "emoji": "👋"})),
        ada.message(40, "revoke", json!({"original_message_id": wamid(&revoked)})),
        edited.clone(),
        revoked.clone(),
    ];
    app.process(&number.history(&[(&ada, &past)])).await;
    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    let stored = tenant.messages(&conversation).await;
    assert_eq!(column(&stored, |it| &it.text), ["Message deleted", "Hello"]);
    assert_eq!(stored[1].reactions, [Reaction::by_business("👋")]);
    assert_eq!(
        (stored[0].revoked_at.as_deref(), stored[1].edited_at.as_deref()),
        (Some(time(40).as_str()), Some(time(20).as_str()))
    );
    app.finish().await;
}
