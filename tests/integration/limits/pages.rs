//! Pages of lists are bounded in bytes.

use serde_json::Value;

use crate::kit::api::Page;
use crate::kit::app::TestApp;
use crate::kit::meta::text;

#[tokio::test(flavor = "multi_thread")]
async fn page_of_large_messages_ends_early_and_continues() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let long = "x".repeat(60_000);
    let messages: Vec<Value> = (0..30).map(|_| text("15550100", &long)).collect();
    for messages in messages.chunks(10) {
        app.deliver(&number.delivery(messages)).await.expect(200);
    }
    app.wait_until_processed().await;
    let conversation = tenant.wait_for_conversations(1).await.remove(0);
    let path = format!("{}?limit=100&include=payload", conversation.messages_path());
    let (mut ids, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let answer = tenant.client.get(&format!("{path}{cursor}")).await;
        assert!(answer.text.len() < 1_300_000, "{}", answer.text.len());
        let page: Page<Value> = answer.body(200);
        ids.extend(page.data.iter().map(|message| message["id"].as_str().unwrap().to_owned()));
        assert!(page.data.iter().all(|message| message["payload"]["text"]["body"].as_str().unwrap().len() == 60_000));
        pages += 1;
        match page.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert!(pages > 1);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 30, "each message is on one page");
    let without: Vec<Value> = tenant.client.list(&format!("{}?limit=5", conversation.messages_path())).await;
    assert!(without.iter().all(|message| message.get("payload").is_none()));
    tenant.client.get(&format!("{}?include=all", conversation.messages_path())).await.problem(400, "invalid_query");
    let found = tenant.client.get(&format!("/crm/search?q={}", "x".repeat(200))).await;
    assert!(found.text.len() < 100_000, "texts are cut");
    app.finish().await;
}
