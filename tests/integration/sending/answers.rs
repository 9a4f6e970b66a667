//! An answer from the request to the ticks on the customer's phone.

use serde_json::json;

use crate::kit::sandbox::MetaSandbox;
use crate::kit::wait;

#[tokio::test(flavor = "multi_thread")]
async fn answer_reaches_the_phone_and_gets_its_ticks() {
    let meta = MetaSandbox::start();
    let app = meta.app().await;
    let tenant = app.tenant().await;
    let line = meta.line(&app, &tenant).await;
    let (phone, conversation) = meta.conversation(&tenant, &line).await;

    let sent = tenant.send_text(&conversation, "Your order is on its way.").await;
    assert_eq!((sent.direction.as_str(), sent.origin.as_str(), sent.kind.as_str()), ("outbound", "api", "text"));
    assert_eq!((sent.text.as_str(), sent.wamid.as_deref()), ("Your order is on its way.", None));
    assert_eq!(sent.sender.as_ref().unwrap().kind, "user");

    let delivered = tenant.wait_for_status(&sent, "delivered").await;
    let journal = meta.journal(&line).await;
    assert_eq!(journal.len(), 1);
    assert_eq!(delivered.wamid, journal[0].wamid);
    assert_eq!(journal[0].to.as_deref(), Some(format!("+{phone}").as_str()));
    assert!(!delivered.may_have_been_sent && delivered.error.is_none());
    meta.post("/phone/read", &json!({"phone_number_id": line.number.phone_number_id, "from": phone})).await;
    tenant.wait_for_status(&sent, "read").await;

    let attempts: serde_json::Value = tenant.client.get(&format!("/crm/messages/{}/attempts", sent.id)).await.json(200);
    assert_eq!(
        (attempts["data"][0]["outcome"].as_str(), attempts["data"].as_array().unwrap().len()),
        (Some("accepted"), 1)
    );
    wait::until("the conversation to show the answer", async || {
        let path = format!("/crm/conversations/{}", conversation.id);
        let now: crate::kit::api::Conversation = tenant.client.get(&path).await.body(200);
        (now.last_message_preview == "Your order is on its way.").then_some(())
    })
    .await;
    app.finish().await;
}
