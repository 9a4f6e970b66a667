//! Calls are recorded in the customer's history, and inbound calls open the service window.

use serde_json::{Value, json};

use super::super::kinds;
use crate::kit::api::{Conversation, column};
use crate::kit::app::TestApp;
use crate::kit::customer::{Customer, joined};
use crate::kit::meta::{fresh_wamid, second, time};

const DAY: i64 = 24 * 3_600;

/// An event of a call by the customer or by the business.
fn call(ada: &Customer, at: i64, event: &str, by_us: bool, more: &Value) -> Value {
    let mut call =
        json!({"id": format!("wacid.{}", fresh_wamid()), "event": event, "timestamp": second(at).to_string()});
    let (from, to) = if by_us { ("to", "from") } else { ("from", "to") };
    call[from] = json!(ada.phone);
    call[format!("{from}_user_id")] = json!(ada.bsuid);
    call[to] = json!("15550000000");
    call["direction"] = json!(if by_us { "BUSINESS_INITIATED" } else { "USER_INITIATED" });
    call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    call
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_event_is_recorded() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let of_call = |by_us: bool, event: &'static str, more: Value| {
        let ada = Customer::fresh();
        (ada.clone(), json!({"contacts": [ada.entry()], "calls": [call(&ada, 10, event, by_us, &more)]}))
    };
    let of_status = |status: &str| {
        let ada = Customer::fresh();
        let mut status = ada.status(10, &format!("wacid.{}", fresh_wamid()), status);
        status["type"] = json!("call");
        (ada, json!({"statuses": [status]}))
    };
    let session = json!({"session": {"sdp_type": "offer", "sdp": "v=0\r\n"}});
    let rows = [
        ("connect", of_call(false, "connect", session.clone()), "Incoming call"),
        ("outbound connect", of_call(true, "connect", session), "Outgoing call"),
        ("created", of_call(true, "created", json!({})), "Outgoing call"),
        (
            "terminate",
            of_call(
                false,
                "terminate",
                json!({"status": "COMPLETED", "start_time": second(10).to_string(),
                                               "end_time": second(100).to_string(), "duration": 90}),
            ),
            "Incoming call ended after 1:30",
        ),
        ("terminate, not taken", of_call(false, "terminate", json!({"status": "FAILED"})), "Missed call"),
        (
            "outbound terminate, not answered",
            of_call(true, "terminate", json!({"status": "FAILED"})),
            "Call not answered",
        ),
        ("recording", of_call(false, "call_recording_available", json!({})), "Call recording available"),
        ("transcript", of_call(false, "call_transcription_available", json!({})), "Call transcript available"),
        ("unknown event", of_call(false, "put_on_hold", json!({})), "Incoming call: put on hold"),
        ("ringing", of_status("RINGING"), "Call ringing"),
        ("accepted", of_status("ACCEPTED"), "Call accepted"),
        ("rejected", of_status("REJECTED"), "Call rejected"),
    ];
    for (_, (_, value), _) in &rows {
        app.deliver(&number.change("calls", value.clone())).await.expect(200);
    }
    app.wait_until_processed().await;
    for (name, (ada, _), text) in rows {
        let contact = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
        let interactions = tenant.interactions(&contact).await;
        assert_eq!(
            (kinds(&interactions), column(&interactions, |it| it.text.as_str())),
            (vec!["call"], vec![text]),
            "{name}"
        );
        assert_eq!(interactions[0].occurred_at, time(10), "{name}");
        assert_eq!(contact.identities.len(), 2, "{name}");
    }
    let conversations = tenant.conversations().await;
    assert_eq!(column(&conversations, |it| it.last_message_preview.as_str()), ["Missed call"], "others create none");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn customer_call_opens_window_in_any_order() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    for (by_us, expected) in [(false, Some(time(100 + DAY))), (true, None)] {
        for order in [[0, 1], [1, 0]] {
            let ada = Customer::fresh();
            let call = call(&ada, 100, "connect", by_us, &json!({}));
            let deliveries = [
                number.change("calls", json!({"calls": [call]})),
                number.echoes(&[ada.echo(50, "text", json!({"body": "Call us"}))]),
            ];
            for index in order {
                app.process(&deliveries[index]).await;
            }
            let conversation = tenant.conversation_by_identity("bsuid", ada.bsuid()).await;
            assert_eq!(conversation.service_window_ends_at, expected, "{by_us} {order:?}");
            assert_eq!(conversation.unread_count, 0);
        }
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn window_belongs_to_contact_not_conversation() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let [ada, grace] = [Customer::fresh(), Customer::fresh()];
    let answer = |customer: &Customer, at: i64| number.echoes(&[customer.echo(at, "text", json!({"body": "Hello"}))]);
    app.process(&number.received(&ada, &[ada.text(10, "Hi")])).await;
    let close = async |conversation: &Conversation| {
        tenant.client.change(conversation, json!({"status": "closed"})).await;
    };
    close(&tenant.conversation_by_identity("bsuid", ada.bsuid()).await).await;
    app.process(&joined([&answer(&ada, 20), &answer(&grace, 20)])).await;
    let open = async |customer: &Customer| {
        let contact = tenant.contact_by_identity("bsuid", customer.bsuid()).await;
        let mut conversations = tenant.conversations_with(&contact).await;
        conversations.retain(|conversation| conversation.status == "open");
        assert_eq!(conversations.len(), 1);
        conversations.remove(0)
    };
    assert_eq!(open(&ada).await.service_window_ends_at, Some(time(10 + DAY)));
    let graces = open(&grace).await;
    assert_eq!(graces.service_window_ends_at, None);

    // After a merge the window that one contact opened is open for both.
    close(&open(&ada).await).await;
    let path = format!("/crm/contacts/{}/merge", graces.contact_id);
    let ada = tenant.contact_by_identity("bsuid", ada.bsuid()).await;
    tenant.client.post(&path, &json!({"contact_id": ada.id})).await.json(200);
    assert_eq!(open(&grace).await.service_window_ends_at, Some(time(10 + DAY)));
    app.finish().await;
}
