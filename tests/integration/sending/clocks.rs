//! Senders whose clocks differ.

use std::collections::HashMap;

use chrono::TimeDelta;
use serde_json::json;

use crate::kit::app::Settings;
use crate::kit::sandbox::MetaSandbox;
use crate::kit::sent_messages::{self, assert_pace};

const CONVERSATIONS: usize = 5;
const MESSAGES: usize = 40;
/// Messages a second.
const THROUGHPUT: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn senders_with_different_clocks_share_numbers() {
    let meta = MetaSandbox::start();
    let app = meta.app().await;
    let ahead = app.start_another(Settings { pipeline: true, graph_port: meta.port(), ..Settings::default() }).await;
    ahead.clock.advance(TimeDelta::minutes(5));
    let tenant = app.tenant().await;
    let line = meta.line(&app, &tenant).await;
    let path = format!("/whatsapp-accounts/{}", line.account.id);
    tenant.client.patch(&path, &json!({"throughput": THROUGHPUT})).await.json(200);
    meta.fault(&line, json!({"fault": "slow_answer", "milliseconds": 150})).await;
    let conversations = meta.conversations(&tenant, &line, CONVERSATIONS).await;

    let mut sent = Vec::new();
    for number in 0..MESSAGES {
        let (_, conversation) = &conversations[number % CONVERSATIONS];
        sent.push(tenant.send_text(conversation, &format!("message {number}")).await);
    }
    for message in &sent {
        tenant.wait_for_status(message, "delivered").await;
    }
    let journal = meta.journal(&line).await;
    let accepted: Vec<&str> = sent.iter().map(|message| message.id.as_str()).collect();
    let wishes = sent_messages::judge(&app.database, &journal, &accepted).await;
    assert_eq!(journal.len(), MESSAGES);
    assert_pace(&journal, THROUGHPUT);
    // A sender that took the number while the other one was calling would have found unclear sends.
    let unclear = app.database.count("SELECT count(*) FROM send_attempts WHERE outcome <> 'accepted'").await;
    let attempts: HashMap<i64, usize> = wishes.iter().fold(HashMap::new(), |mut counts, wish| {
        *counts.entry(wish.attempts).or_default() += 1;
        counts
    });
    assert_eq!((unclear, attempts), (0, HashMap::from([(1, MESSAGES)])));
    app.wait_until_processed().await;
    ahead.leave().await;
    app.finish().await;
}
