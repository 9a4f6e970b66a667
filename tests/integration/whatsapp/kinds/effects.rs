//! Messages that change other messages.

use serde_json::{Value, json};

use super::super::kinds;
use super::without_content_id;
use crate::kit::api::Reaction;
use crate::kit::app::TestApp;
use crate::kit::customer::{Customer, wamid};
use crate::kit::meta::time;

#[tokio::test(flavor = "multi_thread")]
async fn each_sender_has_one_reaction_that_can_be_removed() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let ada = Customer::fresh();
    let ours = ada.echo(10, "text", json!({"body": "Done"}));
    app.process(&number.echoes(std::slice::from_ref(&ours))).await;
    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    let by_ada = |emoji: &str| Reaction::by_contact(emoji, &conversation.contact_id);
    let by_us = Reaction::by_business("🎉");
    let react = |at: i64, emoji: Option<&str>| {
        let mut body = json!({"message_id": wamid(&ours)});
        if let Some(emoji) = emoji {
            body["emoji"] = json!(emoji);
        }
        number.received(&ada, &[ada.message(at, "reaction", body)])
    };
    let own = ada.echo(12, "reaction", json!({"message_id": wamid(&ours), "emoji": "🎉"}));
    let rows = [
        ("given", react(11, Some("👍")), vec![by_ada("👍")]),
        ("reaction of the business", number.echoes(&[own]), vec![by_ada("👍"), by_us.clone()]),
        ("another one", react(13, Some("❤️")), vec![by_us.clone(), by_ada("❤️")]),
        ("taken back: absent", react(14, None), vec![by_us.clone()]),
        ("given again", react(15, Some("👍")), vec![by_us.clone(), by_ada("👍")]),
        ("taken back: empty", react(16, Some("")), vec![by_us.clone()]),
        ("late event: the latest counts", react(13, Some("👎")), vec![by_us]),
    ];
    for (name, delivery, expected) in rows {
        app.process(&delivery).await;
        let messages = tenant.messages(&conversation).await;
        assert_eq!(messages.len(), 1, "{name}: a reaction creates no message");
        assert_eq!(messages[0].reactions, expected, "{name}");
    }
    let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
    assert_eq!((conversation.unread_count, conversation.last_message_preview.as_str()), (0, "Done"));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_and_deletions_update_messages() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let edit = |original: &str, kind: &str, body: Value| {
        let mut message = json!({"type": kind});
        message[kind] = body;
        json!({"original_message_id": original, "message": message})
    };
    let edited = json!({"edited_at": time(20), "revoked_at": null});
    let deleted = json!({"edited_at": null, "revoked_at": time(20), "text": "Message deleted", "media": null});
    let seen = |base: &Value, more: Value| {
        let mut seen = base.clone();
        seen.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        seen
    };
    let picture = json!({"id": "1", "mime_type": "image/jpeg", "caption": "Lok"});
    // A message, its edited text unless it is deleted, and what the API shows.
    let rows = [
        (
            "a text is edited",
            "text",
            json!({"body": "Helo"}),
            Some(json!({"body": "Hello"})),
            seen(&edited, json!({"text": "Hello", "kind": "text", "media": null})),
            "message_edited",
        ),
        (
            "a caption is edited",
            "image",
            picture.clone(),
            Some(json!({"id": "1", "caption": "Look"})),
            seen(
                &edited,
                json!({"text": "Look", "kind": "image", "media":
                {"id": "1", "mime_type": "image/jpeg", "caption": "Look", "sha256": null, "filename": null,
                 "state": "waiting", "size": null}}),
            ),
            "message_edited",
        ),
        (
            "a text is deleted",
            "text",
            json!({"body": "Wrong chat"}),
            None,
            seen(&deleted, json!({"kind": "text"})),
            "message_revoked",
        ),
        ("a picture is deleted", "image", picture, None, seen(&deleted, json!({"kind": "image"})), "message_revoked"),
    ];
    // Each case three times: in order, with the message last, and as echoes from the phone app.
    for (name, kind, body, edited, expected, line) in rows {
        for way in ["in order", "reversed", "by the business"] {
            let ada = Customer::fresh();
            let by_us = way == "by the business";
            let write = |at: i64, kind: &str, body: Value| {
                if by_us { ada.echo(at, kind, body) } else { ada.message(at, kind, body) }
            };
            let delivery_of = |message: &Value| {
                if by_us {
                    number.echoes(std::slice::from_ref(message))
                } else {
                    number.received(&ada, std::slice::from_ref(message))
                }
            };
            let message = write(10, kind, body.clone());
            let (what, how) = match &edited {
                Some(body) => ("edit", edit(wamid(&message), kind, body.clone())),
                None => ("revoke", json!({"original_message_id": wamid(&message)})),
            };
            let mut deliveries = vec![delivery_of(&message), delivery_of(&write(20, what, how))];
            if way == "reversed" {
                deliveries.reverse();
            }
            for delivery in deliveries {
                app.process(&delivery).await;
            }
            let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
            assert_eq!(conversation.last_message_preview, expected["text"], "{name}, {way}");
            let mut stored: Vec<Value> =
                tenant.client.list(&format!("{}?include=payload", conversation.messages_path())).await;
            assert_eq!(stored.len(), 1, "{name}, {way}");
            without_content_id(&mut stored[0]);
            for (member, expected) in expected.as_object().unwrap() {
                assert_eq!(&stored[0][member], expected, "{name}, {way}: {member}");
            }
            // Nothing shows what was deleted.
            let payload = if edited.is_some() { message } else { json!({}) };
            assert_eq!(stored[0]["payload"], payload, "{name}, {way}");
            let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
            let first = if by_us { "outbound_message" } else { "inbound_message" };
            assert_eq!(kinds(&tenant.interactions(&contact).await), [line, first], "{name}, {way}");
        }
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn content_of_revoked_message_is_in_no_answer() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    // In order, with the revocation before the edit, and with the message last.
    for order in [[0, 1, 2], [0, 2, 1], [2, 1, 0]] {
        let ada = Customer::fresh();
        let mut message = ada.message(10, "image", json!({"id": "media-secret", "caption": "caption-secret"}));
        message["referral"] = json!({"source_id": "referral-secret"});
        let edit = json!({
            "original_message_id": wamid(&message),
            "message": {"type": "image", "image": {"id": "media-secret", "caption": "edit-secret"}},
        });
        let revoke = json!({"original_message_id": wamid(&message)});
        let deliveries = [
            number.received(&ada, std::slice::from_ref(&message)),
            number.received(&ada, &[ada.message(20, "edit", edit)]),
            number.received(&ada, &[ada.message(30, "revoke", revoke)]),
        ];
        for at in order {
            app.process(&deliveries[at]).await;
        }
        let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
        let history = format!("/crm/contacts/{}/interactions", conversation.contact_id);
        let with_payload = format!("{}?include=payload", conversation.messages_path());
        for path in [with_payload.as_str(), &history, "/crm/search?q=secret", "/crm/conversations"] {
            let answer = tenant.client.get(path).await.json(200).to_string();
            assert!(!answer.contains("secret"), "{order:?}, {path}: {answer}");
        }
        let message = tenant.messages(&conversation).await.remove(0);
        assert_eq!((message.text.as_str(), message.media, message.payload), ("Message deleted", None, json!({})));
        let contact = tenant.contact(&conversation.contact_id).await;
        let mut texts: Vec<_> = tenant.interactions(&contact).await.into_iter().map(|it| it.text).collect();
        texts.sort_unstable();
        assert_eq!(texts, ["Deleted a message", "Message deleted", "Message deleted"], "{order:?}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_sender_edits_and_deletes_a_message() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let (ada, grace) = (Customer::fresh(), Customer::fresh());
    app.process(&number.received(&grace, &[grace.text(1, "Hello")])).await;
    for message_first in [true, false] {
        let (theirs, ours) = (ada.text(10, "Theirs"), ada.echo(11, "text", json!({"body": "Ours"})));
        let edit = |message: &Value| {
            json!({
                "original_message_id": wamid(message), "message": {"type": "text", "text": {"body": "Forged"}},
            })
        };
        let revoke = |message: &Value| json!({"original_message_id": wamid(message)});
        let messages =
            [number.received(&ada, std::slice::from_ref(&theirs)), number.echoes(std::slice::from_ref(&ours))];
        let forged = [
            number.received(&ada, &[ada.message(20, "edit", edit(&ours)), ada.message(21, "revoke", revoke(&ours))]),
            number.received(
                &grace,
                &[
                    grace.message(20, "edit", edit(&theirs)),
                    grace.message(21, "revoke", revoke(&theirs)),
                    grace.message(22, "revoke", revoke(&ours)),
                ],
            ),
            number.echoes(&[ada.echo(20, "edit", edit(&theirs)), ada.echo(21, "revoke", revoke(&theirs))]),
        ];
        let (first, second) = if message_first { (&messages[..], &forged[..]) } else { (&forged[..], &messages[..]) };
        for delivery in first.iter().chain(second) {
            app.process(delivery).await;
        }
        let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
        for (message, text) in [(&theirs, "Theirs"), (&ours, "Ours")] {
            let message = tenant.message(&conversation, wamid(message)).await;
            assert_eq!((message.text.as_str(), message.edited_at, message.revoked_at), (text, None, None));
        }
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edit_without_text_or_caption_keeps_the_text() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let picture = json!({"id": "1", "caption": "Look"});
    for (kind, body, edited) in [
        ("text", json!({"body": "Look"}), json!({"type": "text", "text": {}})),
        ("image", picture.clone(), json!({"type": "image", "image": {"id": "2"}})),
        ("image", picture, Value::Null),
    ] {
        let ada = Customer::fresh();
        let message = ada.message(10, kind, body);
        let edit = json!({"original_message_id": wamid(&message), "message": edited});
        app.process(&number.received(&ada, &[message.clone(), ada.message(20, "edit", edit)])).await;
        let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
        let message = tenant.message(&conversation, wamid(&message)).await;
        let caption = (kind == "image").then_some("Look");
        assert_eq!((message.text.as_str(), message.edited_at), ("Look", Some(time(20))));
        assert_eq!(message.media.as_ref().and_then(|media| media.caption.as_deref()), caption);
    }
    app.finish().await;
}
