//! Assigning, reading and closing conversations.

use futures_util::future::join_all;
use serde_json::json;

use super::{kinds, pointers};
use crate::kit::api::{Conversation, Resource as _};
use crate::kit::app::{TestApp, TestTenant};
use crate::kit::customer::Customer;
use crate::kit::meta::Number;
use crate::kit::users::role_of;

/// A conversation with one message.
async fn conversation(app: &TestApp, tenant: &TestTenant) -> (Number, Customer, Conversation) {
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
    let contact = tenant.contact(&first.contact_id).await;
    let pending = tenant.client.change(&first, json!({"status": "pending"})).await;
    assert_eq!(kinds(&tenant, &contact).await, ["inbound_message"]);
    let closed = tenant.client.change(&pending, json!({"status": "closed"})).await;
    assert_eq!((closed.status.as_str(), closed.unread_count), ("closed", 1));
    assert_eq!(tenant.client.change(&closed, json!({"status": "closed"})).await, closed);
    let interactions = tenant.interactions(&contact).await;
    assert_eq!(interactions[0].kind, "conversation_closed");
    assert_eq!(interactions[0].actor_id, Some(tenant.me().await.user.id));

    // A message after close opens another conversation, and the closed one cannot be reopened.
    app.process(&number.received(&customer, &[customer.text(2, "one more thing")])).await;
    let open: Conversation = tenant.client.list("/crm/conversations?status=open").await.remove(0);
    assert_ne!(open.id, first.id);
    tenant.client.try_change(&closed, json!({"status": "open"})).await.problem(409, "conversation_open");
    assert_eq!(tenant.client.reload(&closed).await, closed);
    tenant.client.change(&open, json!({"status": "closed"})).await;
    let reopened = tenant.client.change(&closed, json!({"status": "open"})).await;
    assert_eq!(reopened.status, "open");
    assert_eq!(reopened.service_window_ends_at, open.service_window_ends_at, "the window was extended");
    let kinds = kinds(&tenant, &contact).await;
    assert_eq!(kinds[..3], ["conversation_reopened", "conversation_closed", "conversation_closed"]);

    // New messages go to the open conversation.
    app.process(&number.received(&customer, &[customer.text(3, "and another")])).await;
    assert_eq!(tenant.client.reload(&reopened).await.last_message_preview, "and another");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_read_or_close_is_refused() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let (number, customer, seen) = conversation(&app, &tenant).await;
    app.process(&number.received(&customer, &[customer.text(2, "wait")])).await;
    for late in [json!({"unread_count": 0}), json!({"status": "closed"})] {
        tenant.client.try_change(&seen, late).await.problem(409, "stale_version");
    }
    let seen = tenant.client.reload(&seen).await;
    assert_eq!((seen.unread_count, seen.status.as_str()), (2, "open"));
    let read_now = tenant.client.change(&seen, json!({"unread_count": 0})).await;
    assert_eq!(read_now.unread_count, 0);

    for (wrong, pointer) in [
        (json!({"unread_count": 1}), "/unread_count"),
        (json!({"unread_count": null}), "/unread_count"),
        (json!({"unread_count": -1}), "/unread_count"),
        (json!({"status": null}), "/status"),
        (json!({"status": "lost"}), "/status"),
        (json!({"assignee_id": "me"}), "/assignee_id"),
        (json!({"last_message_preview": "x"}), "/last_message_preview"),
    ] {
        assert_eq!(pointers(&tenant.client.try_change(&read_now, wrong).await), [pointer]);
    }
    assert_eq!(pointers(&tenant.client.patch(&seen.path(), &json!({"status": "closed"})).await), ["/version"]);
    assert_eq!(tenant.client.reload(&seen).await, read_now);

    let answers = join_all((0..6).map(|n| {
        let status = if n % 2 == 0 { "pending" } else { "closed" };
        tenant.client.try_change(&read_now, json!({"status": status}))
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
    for refused in [billing.id.as_str(), &without_role.id, &gone.id, &theirs.id, unknown] {
        assert_eq!(pointers(&tenant.client.try_change(&seen, json!({"assignee_id": refused})).await), ["/assignee_id"]);
    }
    assert_eq!(tenant.client.reload(&seen).await, seen);

    for assignee in [&viewer, &agent] {
        seen = tenant.client.change(&seen, json!({"assignee_id": assignee.id})).await;
        assert_eq!(seen.assignee_id.as_ref(), Some(&assignee.id));
    }
    let of_agent = format!("/crm/conversations?assignee={}", agent.id);
    assert_eq!(tenant.client.list::<Conversation>(&of_agent).await, std::slice::from_ref(&seen));
    assert_eq!(tenant.client.change(&seen, json!({"assignee_id": null})).await.assignee_id, None);
    assert_eq!(tenant.client.list::<Conversation>(&of_agent).await, []);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn assignee_without_permission_stays_until_deleted() {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let (_, _, seen) = conversation(&app, &tenant).await;
    let agent = app.user(&tenant, Some("agent")).await;
    let assign = json!({"assignee_id": agent.id});
    let assigned = tenant.client.change(&seen, assign.clone()).await;

    tenant.client.patch(&agent.path(), &json!({"status": "suspended"})).await.json(200);
    assert_eq!(tenant.client.reload(&seen).await, assigned);
    tenant.client.patch(&agent.path(), &json!({"status": "active"})).await.json(200);
    tenant.client.delete(&agent.membership(&role_of(&tenant, "agent").await)).await.expect(204);
    assert_eq!(tenant.client.reload(&seen).await, assigned);
    // Other fields can still be changed while this user is the assignee.
    let pending = tenant.client.change(&assigned, json!({"status": "pending"})).await;
    assert_eq!(pending.assignee_id.as_ref(), Some(&agent.id));
    assert_eq!(pointers(&tenant.client.try_change(&pending, assign).await), ["/assignee_id"]);

    tenant.client.delete(&agent.path()).await.expect(204);
    assert_eq!(tenant.client.reload(&seen).await.assignee_id, None);
    app.finish().await;
}
