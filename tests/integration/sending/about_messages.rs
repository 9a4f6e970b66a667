//! Reactions, read receipts and typing indicators.

use serde_json::{Value, json};

use super::Setup;
use crate::kit::wait;

async fn customers_message(setup: &Setup) -> (String, String) {
    let list: Value = setup.tenant.client.get(&setup.messages_path()).await.json(200);
    let message = list["data"].as_array().unwrap().iter().find(|it| it["direction"] == "inbound").unwrap();
    (message["id"].as_str().unwrap().to_owned(), message["wamid"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn reaction_is_sent_replaced_and_removed() {
    let setup = Setup::new().await;
    let (id, wamid) = customers_message(&setup).await;
    let path = format!("/crm/messages/{id}/reaction");
    setup.tenant.client.put(&path, &json!({"emoji": "👍"})).await.expect(204);
    setup.tenant.client.put(&path, &json!({"emoji": "❤️"})).await.expect(204);
    setup.tenant.client.delete(&path).await.expect(204);
    for emoji in ["", "ok", "👍👍"] {
        setup.tenant.client.put(&path, &json!({"emoji": emoji})).await.problem(422, "validation_failed");
    }
    let sent = wait::until("the reactions", async || {
        let journal = setup.meta.journal(&setup.line).await;
        (journal.len() == 3).then_some(journal)
    })
    .await;
    let emojis: Vec<_> = sent.iter().map(|it| it.body["reaction"]["emoji"].as_str().unwrap()).collect();
    assert_eq!(emojis, ["👍", "❤️", ""]);
    assert!(sent.iter().all(|it| it.body["reaction"]["message_id"] == wamid));
    setup.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_and_typing_leave_only_if_the_account_wants() {
    let setup = Setup::new().await;
    let (_, wamid) = customers_message(&setup).await;
    let path = |what: &str| format!("/crm/conversations/{}/{what}", setup.conversation.id);
    setup.tenant.client.post(&path("read"), &json!({})).await.expect(204);
    setup.tenant.client.post(&path("typing"), &json!({})).await.expect(204);
    let account = format!("/whatsapp-accounts/{}", setup.line.account.id);
    setup.tenant.client.patch(&account, &json!({"send_read_receipts": true})).await.expect(200);
    setup.tenant.client.post(&path("read"), &json!({})).await.expect(204);
    wait::until("the read receipt", async || (setup.meta.journal(&setup.line).await.len() == 1).then_some(())).await;
    setup.tenant.client.post(&path("typing"), &json!({})).await.expect(204);
    let journal = wait::until("the typing indicator", async || {
        let journal = setup.meta.journal(&setup.line).await;
        (journal.len() == 2).then_some(journal)
    })
    .await;
    assert_eq!((journal[0].kind.as_str(), journal[1].kind.as_str()), ("read", "typing"));
    assert!(journal.iter().all(|it| it.body["message_id"] == wamid));
    setup.app.finish().await;
}
