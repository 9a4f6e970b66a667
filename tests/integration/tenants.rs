//! Tenant settings, and suspended tenants.

use flows::requeue_held_and_unroutable;
use serde_json::json;

use crate::kit::api::Tenant;
use crate::kit::app::{PASSWORD, Settings, TestApp};
use crate::kit::meta::text;

#[tokio::test(flavor = "multi_thread")]
async fn tenant_changes_only_name_and_registration() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    let before: Tenant = tenant.client.read("/tenant").await;
    assert_eq!((&before.id, &before.slug), (&tenant.id, &tenant.slug));
    assert_eq!((before.status.as_str(), before.self_registration.as_str()), ("active", "open"));

    let patch = json!({"name": "Another Name", "self_registration": "closed"});
    let after: Tenant = tenant.client.patch("/tenant", &patch).await.body(200);
    assert_eq!((after.name.as_str(), after.self_registration.as_str()), ("Another Name", "closed"));
    assert_eq!(tenant.client.read::<Tenant>("/tenant").await, after);
    assert_eq!(tenant.client.patch("/tenant", &json!({})).await.body::<Tenant>(200), after);
    for (patch, pointer) in [
        (json!({"slug": "another"}), "/slug"),
        (json!({"status": "suspended"}), "/status"),
        (json!({"id": other.id}), "/id"),
        (json!({"name": null}), "/name"),
        (json!({"name": " "}), "/name"),
        (json!({"self_registration": "ajar"}), "/self_registration"),
    ] {
        let problem = tenant.client.patch("/tenant", &patch).await.problem(422, "validation_failed");
        assert_eq!(problem.pointer(), pointer, "{problem}");
    }
    assert_eq!(other.client.read::<Tenant>("/tenant").await.name, "Test Tenant");

    let admin = app.user(&tenant, Some("admin")).await;
    admin.client.get("/tenant").await.json(200);
    admin.client.patch("/tenant", &json!({"name": "Mine"})).await.problem(403, "insufficient_scope");
}

#[tokio::test(flavor = "multi_thread")]
async fn suspended_tenant_is_refused_and_its_events_are_held() {
    let app = TestApp::start_with(Settings { pipeline: true, ..Settings::default() }).await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    let number = tenant.connect().await;
    app.suspend(&tenant).await;

    tenant.client.get("/auth/me").await.problem(401, "invalid_token");
    app.log_in(&tenant.slug, &tenant.email, PASSWORD).await.problem(401, "invalid_credentials");
    other.client.get("/auth/me").await.json(200);

    app.deliver(&number.delivery(&[text("15550100", "held"), text("15550101", "held")])).await.expect(200);
    assert_eq!(app.events("status = 'held'").await, 2);
    assert_eq!(
        requeue_held_and_unroutable(&app.postgres, 100, &*app.clock).await.unwrap(),
        0,
        "the tenant is suspended"
    );

    // The sweep processes them, no matter who reactivated the tenant; the endpoint would process them itself.
    app.execute_for(&tenant, "UPDATE tenants SET status = 'active' WHERE id = '$T'").await;
    let conversations = tenant.wait_for_conversations(2).await;
    assert_eq!(conversations.len(), 2);
    assert_eq!(app.events("status = 'held'").await, 0);
    tenant.client.get("/auth/me").await.json(200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn held_events_are_processed_in_bounded_batches() {
    let app = TestApp::start_with(Settings { own_database: true, ..Settings::default() }).await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    for held in [&tenant, &other] {
        let number = held.connect().await;
        app.suspend(held).await;
        let messages = [text("15550100", "one"), text("15550100", "two"), text("15550100", "three")];
        app.deliver(&number.delivery(&messages)).await.expect(200);
    }
    // The endpoint would process the events itself.
    app.execute_for(&tenant, "UPDATE tenants SET status = 'active' WHERE id = '$T'").await;
    for expected in [2, 1, 0] {
        assert_eq!(requeue_held_and_unroutable(&app.postgres, 2, &*app.clock).await.unwrap(), expected);
    }
    assert_eq!(app.events(&format!("status = 'received' AND tenant_id = '{}'", tenant.id)).await, 3);
    assert_eq!(app.events(&format!("status = 'held' AND tenant_id = '{}'", other.id)).await, 3);
    assert_eq!(app.database.count("SELECT count(*) FROM webhook_outbox").await, 3);
    app.stop().await;
}
