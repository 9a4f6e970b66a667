//! Messages and names that an earlier version stored are shown, after the upgrade, as if they arrived today.

use std::sync::Arc;

use diesel_async::SimpleAsyncConnection as _;
use flows::renew_old_content;
use serde_json::{Value, json};

use crate::kit::api::Message;
use crate::kit::app::{TestApp, TestTenant};
use crate::kit::customer::{Customer, wamid};
use crate::kit::wait;

/// Enough for more than two steps.
const COPIES: u32 = 1_200;

/// Functions of the version before the upgrade.
const OLD_SEARCH: &str = include_str!("../../../migrations/2026-11-26-140100_search/up.sql");
const WORD_LIST: &str = include_str!("../../../crates/postgres/functions/word_list.sql");
const FOLD: &str = include_str!("../../../crates/postgres/functions/fold.sql");

/// The statement that creates a function in a migration.
fn old_function(name: &str) -> String {
    let start = OLD_SEARCH.find(&format!("CREATE FUNCTION app.{name}(")).unwrap();
    let body = &OLD_SEARCH[start..];
    let end = body.find("$$;").unwrap() + 3;
    body[..end].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
}

/// Messages, and the text that the version before the upgrade gave them.
fn messages(customer: &Customer) -> Vec<(Value, &'static str)> {
    let form = json!({"type": "nfm_reply", "nfm_reply": {
        "name": "flow", "response_json": r#"{"flow_token":"secret","colour":"turquoise"}"#,
    }});
    let order = json!({"product_items": [
        {"product_retailer_id": "tea", "quantity": 2, "item_price": "3.50", "currency": "EUR"}]});
    let card = json!([{"name": {"formatted_name": "Grace"}, "phones": [{"phone": "+1 555 0199"}]}]);
    let mut from_ad = customer.text(5, "Hello");
    from_ad["referral"] = json!({"source_type": "ad", "headline": "Gingerbread"});
    vec![
        (customer.text(1, "Wo ist die Straße nach Łódź?"), "Wo ist die Straße nach Łódź?"),
        (customer.message(2, "interactive", form), "Form sent"),
        (customer.message(3, "contacts", card), "Grace"),
        (customer.text(4, "我想预订明天的房间"), "我想预订明天的房间"),
        (from_ad, "Hello"),
        (customer.text(6, "to be edited"), "to be edited"),
        (customer.text(7, "to be revoked"), "to be revoked"),
        (customer.message(8, "order", order), "2 x tea"),
    ]
}

/// What users see of a customer's conversation, without ids.
async fn shown(tenant: &TestTenant, customer: &Customer) -> Value {
    let conversation = tenant.conversation_by_identity("bsuid", customer.bsuid()).await;
    let contact = tenant.contact_by_identity("bsuid", customer.bsuid()).await;
    let message = |it: Message| {
        json!([
            it.wamid,
            it.kind,
            it.text,
            it.edited_at,
            it.revoked_at,
            it.payload,
            it.parts.iter().map(|part| format!("{} {} {}", part.kind, part.label, part.value)).collect::<Vec<_>>()
        ])
    };
    let messages: Vec<Value> = tenant.messages(&conversation).await.into_iter().map(message).collect();
    let interactions = tenant.interactions(&contact).await;
    let history: Vec<Value> = interactions.into_iter().map(|it| json!([it.kind, it.text, it.occurred_at])).collect();
    let mut found = Vec::new();
    for word in [
        "strasse",
        "lodz",
        "turquoise",
        "0199",
        "预订",
        "gingerbread",
        "total",
        "edited",
        "changed",
        "revoked",
        "jorgen",
        "太郎",
    ] {
        let encoded: String = url::form_urlencoded::byte_serialize(word.as_bytes()).collect();
        let hits: Value = tenant.client.read(&format!("/crm/search?q={encoded}")).await;
        for hit in hits["data"].as_array().unwrap() {
            found.push(json!([word, hit["kind"], hit["message"]["text"], hit["contact"]["title"]]));
        }
    }
    json!({
        "messages": messages, "history": history, "found": found, "name": contact.display_name,
        "preview": conversation.last_message_preview, "last": conversation.last_message_at, "unread": conversation.unread_count,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn old_messages_and_names_become_as_newly_imported() {
    let app = TestApp::start_with_pipeline().await;
    let (fresh, old) = (app.tenant().await, app.tenant().await);
    let customer = Customer::fresh().named("Jørgen 山田太郎").with_username("łukasz");
    let other = Customer::fresh().named("Other");
    let given = messages(&customer);
    let edit =
        json!({"original_message_id": wamid(&given[5].0), "message": {"type": "text", "text": {"body": "changed"}}});
    let revoke = json!({"original_message_id": wamid(&given[6].0)});
    let (edit, revoke) = (customer.message(9, "edit", edit), customer.message(9, "revoke", revoke));
    for tenant in [&fresh, &old] {
        let number = tenant.connect().await;
        for (message, _) in &given {
            app.process(&number.received(&customer, std::slice::from_ref(message))).await;
        }
        app.process(&number.received(&customer, &[edit.clone(), revoke.clone()])).await;
        app.process(&number.received(&other, &[other.text(1, "a copy")])).await;
    }
    let expected = shown(&fresh, &customer).await;
    assert_eq!(expected["found"].as_array().unwrap().len(), 10, "{expected:#}");
    assert_eq!(shown(&old, &customer).await, expected);

    // As the version before left it, with more messages than a step renews. All in one transaction, as the server works on.
    let id = &old.id;
    let old_texts = given.iter().filter(|(message, _)| ![6, 7].contains(&second_of(message))).map(|(message, text)| {
        let wamid = wamid(message);
        format!(
            "UPDATE messages SET text = '{text}' WHERE tenant_id = '{id}' AND wamid = '{wamid}';
             UPDATE interactions SET text = '{text}' WHERE tenant_id = '{id}'
                AND message_id = (SELECT id FROM messages WHERE tenant_id = '{id}' AND wamid = '{wamid}');"
        )
    });
    let as_before = format!(
        "BEGIN;
         {} {} {}
         UPDATE contacts SET display_name = display_name WHERE tenant_id = '{id}';
         UPDATE contact_identities SET value = value WHERE tenant_id = '{id}';
         INSERT INTO messages (tenant_id, id, account_id, contact_id, conversation_id, wamid, direction, kind, text, payload,
                               provider_timestamp, created_at)
         SELECT tenant_id, gen_random_uuid(), account_id, contact_id, conversation_id, wamid || n, direction, kind, 'as before',
                payload, provider_timestamp, created_at
           FROM messages, generate_series(1, {COPIES}) n WHERE tenant_id = '{id}' AND text = 'a copy';
         UPDATE messages SET parts = NULL, text = text WHERE tenant_id = '{id}';
         UPDATE conversations SET last_message_preview = '2 x tea' WHERE tenant_id = '{id}' AND last_message_preview LIKE '2 x tea%';
         INSERT INTO refold_jobs (tenant_id) VALUES ('{id}');
         {WORD_LIST} {FOLD}",
        old_function("word_list"),
        old_function("fold"),
        old_texts.collect::<String>(),
    );
    let mut upgrading = app.database.admin().await;
    upgrading.batch_execute(&as_before).await.unwrap();
    let unchanged = format!(
        "SELECT count(*) FROM messages WHERE tenant_id = '{id}' AND search_words @@ '''straße'''::tsquery AND NOT search_words @@ '''strasse'''"
    );
    assert_eq!(crate::kit::database::count(&mut upgrading, &unchanged).await.unwrap(), 1);
    // Another transaction keeps the lock that the second step waits for.
    let hold = format!(
        "COMMIT; BEGIN;
         SELECT FROM messages WHERE tenant_id = '{id}'
            AND id = (SELECT id FROM messages WHERE tenant_id = '{id}' ORDER BY id OFFSET 700 LIMIT 1) FOR UPDATE"
    );
    upgrading.batch_execute(&hold).await.unwrap();

    let job = tokio::spawn({
        let (postgres, clock) = (app.postgres.clone(), Arc::clone(&app.clock));
        async move { renew_old_content(&postgres, &*clock).await }
    });
    let left = format!("SELECT count(*) FROM messages WHERE tenant_id = '{id}' AND parts IS NULL");
    // The connection is lost in the middle of a step, as when the server is killed.
    let terminate = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                      WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%renewed AS%'";
    wait::until("a step to wait", async || (app.database.count(terminate).await > 0).then_some(())).await;
    wait::until("the job to end", async || job.is_finished().then_some(())).await;
    let unfinished = app.database.count(&left).await;
    assert!((1..=i64::from(COPIES) - 400).contains(&unfinished), "{unfinished}");
    upgrading.batch_execute("ROLLBACK").await.unwrap();

    // Two servers continue it, and events are recorded meanwhile.
    let later = Customer::fresh().named("Later");
    let number = old.connect().await;
    let meanwhile = number.received(&later, &[later.text(1, "meanwhile")]);
    let (first, second, ()) = tokio::join!(
        renew_old_content(&app.postgres, &*app.clock),
        renew_old_content(&app.postgres, &*app.clock),
        app.process(&meanwhile)
    );
    assert!(first.unwrap().failures.is_empty() && second.unwrap().failures.is_empty());
    wait::until("the job to be done", async || {
        renew_old_content(&app.postgres, &*app.clock).await.unwrap();
        let jobs = format!("SELECT count(*) FROM refold_jobs WHERE tenant_id = '{id}'");
        (app.database.count(&left).await + app.database.count(&jobs).await == 0).then_some(())
    })
    .await;

    assert_eq!(shown(&old, &customer).await, expected);
    let copies = format!("SELECT count(*) FROM messages WHERE tenant_id = '{id}' AND text = 'a copy'");
    assert_eq!(app.database.count(&copies).await, i64::from(COPIES) + 1);
    let run = renew_old_content(&app.postgres, &*app.clock).await.unwrap();
    assert_eq!((run.steps, run.failures.len()), (0, 0), "nothing is left");
    app.finish().await;
}

/// The second at which a message was sent.
fn second_of(message: &Value) -> i64 {
    message["timestamp"].as_str().unwrap().parse::<i64>().unwrap() - crate::kit::meta::second(0)
}
