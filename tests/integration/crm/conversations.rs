//! Assigning, reading and closing conversations.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{kinds, own_id, patch, pointers};
use crate::kit::app::{TestApp, TestTenant};
use crate::kit::customer::Customer;
use crate::kit::meta::Number;

fn path_of(conversation: &Value) -> String {
    format!("/crm/conversations/{}", conversation["id"].as_str().unwrap())
}

async fn change(tenant: &TestTenant, seen: &Value, change: Value) -> crate::kit::client::Response {
    patch(tenant, &path_of(seen), seen, change).await
}

async fn read(tenant: &TestTenant, conversation: &Value) -> Value {
    tenant.client.get(&path_of(conversation)).await.json(200)
}

/// A conversation with one message.
async fn conversation(app: &TestApp, tenant: &TestTenant) -> (Number, Customer, Value) {
    let (number, customer) = (tenant.connect().await, Customer::fresh());
    app.process(&number.received(&customer, &[customer.text(1, "hello")])).await;
    let conversation = tenant.conversation_by_identity("bsuid", customer.bsuid()).await;
    (number, customer, conversation)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_conversation_per_number_is_open() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let (number, customer, first) = conversation(&app, &tenant).await;
    let contact = tenant.contact(&first["contact_id"]).await;
    let pending = change(&tenant, &first, json!({"status": "pending"})).await.json(200);
    assert_eq!(kinds(&tenant, &contact).await, ["inbound_message"]);
    let closed = change(&tenant, &pending, json!({"status": "closed"})).await.json(200);
    assert_eq!((&closed["status"], &closed["unread_count"]), (&json!("closed"), &json!(1)));
    assert_eq!(change(&tenant, &closed, json!({"status": "closed"})).await.json(200), closed);
    let told = tenant.interactions(&contact).await;
    assert_eq!((&told[0]["kind"], &told[0]["actor_id"]), (&json!("conversation_closed"), &own_id(&tenant).await));

    // A message after close opens another conversation, and the closed one cannot be reopened.
    app.process(&number.received(&customer, &[customer.text(2, "one more thing")])).await;
    let open = tenant.client.get("/crm/conversations?status=open").await.json(200)["data"][0].clone();
    assert_ne!(open["id"], first["id"]);
    change(&tenant, &closed, json!({"status": "open"})).await.problem(409, "conversation_open");
    assert_eq!(read(&tenant, &closed).await, closed);
    change(&tenant, &open, json!({"status": "closed"})).await.json(200);
    let reopened = change(&tenant, &closed, json!({"status": "open"})).await.json(200);
    assert_eq!(reopened["status"], "open");
    assert_eq!(reopened["service_window_ends_at"], open["service_window_ends_at"], "the window was extended");
    let told = kinds(&tenant, &contact).await;
    assert_eq!(told[..3], ["conversation_reopened", "conversation_closed", "conversation_closed"]);

    // New messages go to the open conversation.
    app.process(&number.received(&customer, &[customer.text(3, "and another")])).await;
    assert_eq!(read(&tenant, &reopened).await["last_message_preview"], "and another");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_read_or_close_is_refused() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let (number, customer, seen) = conversation(&app, &tenant).await;
    app.process(&number.received(&customer, &[customer.text(2, "wait")])).await;
    for late in [json!({"unread_count": 0}), json!({"status": "closed"})] {
        change(&tenant, &seen, late).await.problem(409, "stale_version");
    }
    let seen = read(&tenant, &seen).await;
    assert_eq!((&seen["unread_count"], &seen["status"]), (&json!(2), &json!("open")));
    let read_now = change(&tenant, &seen, json!({"unread_count": 0})).await.json(200);
    assert_eq!(read_now["unread_count"], 0);

    for (wrong, pointer) in [
        (json!({"unread_count": 1}), "/unread_count"),
        (json!({"unread_count": null}), "/unread_count"),
        (json!({"unread_count": -1}), "/unread_count"),
        (json!({"status": null}), "/status"),
        (json!({"status": "lost"}), "/status"),
        (json!({"assignee_id": "me"}), "/assignee_id"),
        (json!({"last_message_preview": "x"}), "/last_message_preview"),
    ] {
        assert_eq!(pointers(&change(&tenant, &read_now, wrong).await), [pointer]);
    }
    assert_eq!(pointers(&tenant.client.patch(&path_of(&seen), &json!({"status": "closed"})).await), ["/version"]);
    assert_eq!(read(&tenant, &seen).await, read_now);

    let answers = join_all((0..6).map(|n| {
        let status = if n % 2 == 0 { "pending" } else { "closed" };
        change(&tenant, &read_now, json!({"status": status}))
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    answers.iter().filter(|it| it.status != 200).for_each(|it| drop(it.problem(409, "stale_version")));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn assignee_must_have_read_permission() {
    let app = TestApp::start_with_pipeline().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    let (_, _, mut seen) = conversation(&app, &tenant).await;
    let (agent, viewer) = (app.user(&tenant, Some("agent")).await, app.user(&tenant, Some("viewer")).await);
    let (billing, without_role) = (app.user(&tenant, Some("billing")).await, app.user(&tenant, None).await);
    let (gone, theirs) = (app.user(&tenant, Some("agent")).await, app.user(&other, Some("agent")).await);
    tenant.client.patch(&gone.path(), &json!({"status": "suspended"})).await.json(200);
    let unknown = "0190b5a2-7e2f-7000-8000-000000000000";
    for unfit in [billing.id.as_str(), &without_role.id, &gone.id, &theirs.id, unknown] {
        assert_eq!(pointers(&change(&tenant, &seen, json!({"assignee_id": unfit})).await), ["/assignee_id"]);
    }
    assert_eq!(read(&tenant, &seen).await, seen);

    for fit in [&viewer, &agent] {
        seen = change(&tenant, &seen, json!({"assignee_id": fit.id})).await.json(200);
        assert_eq!(seen["assignee_id"], fit.id.as_str());
    }
    let of_agent = format!("/crm/conversations?assignee={}", agent.id);
    assert_eq!(tenant.client.get(&of_agent).await.json(200)["data"], json!([seen]));
    assert_eq!(change(&tenant, &seen, json!({"assignee_id": null})).await.json(200)["assignee_id"], Value::Null);
    assert_eq!(tenant.client.get(&of_agent).await.json(200)["data"], json!([]));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn assignee_without_permission_stays_until_deleted() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let (_, _, seen) = conversation(&app, &tenant).await;
    let agent = app.user(&tenant, Some("agent")).await;
    let assign = json!({"assignee_id": agent.id});
    let assigned = change(&tenant, &seen, assign.clone()).await.json(200);

    tenant.client.patch(&agent.path(), &json!({"status": "suspended"})).await.json(200);
    assert_eq!(read(&tenant, &seen).await, assigned);
    tenant.client.patch(&agent.path(), &json!({"status": "active"})).await.json(200);
    app.execute_for(&tenant, &format!("DELETE FROM memberships WHERE user_id = '{}'", agent.id)).await;
    assert_eq!(read(&tenant, &seen).await, assigned);
    // Other fields can still be changed while this user is the assignee.
    let pending = change(&tenant, &assigned, json!({"status": "pending"})).await.json(200);
    assert_eq!(pending["assignee_id"], agent.id.as_str());
    assert_eq!(pointers(&change(&tenant, &pending, assign).await), ["/assignee_id"]);

    tenant.client.delete(&agent.path()).await.expect(204);
    assert_eq!(read(&tenant, &seen).await["assignee_id"], Value::Null);
    app.finish().await;
}
