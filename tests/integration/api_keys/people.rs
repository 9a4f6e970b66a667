//! Keys and the users who make and manage them.

use serde_json::{Value, json};

use super::{ApiKey, make, read};
use crate::kit::api::AuditRecord;
use crate::kit::app::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn user_manages_keys_within_their_own_permissions() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let manager = app.user_with_permissions(&tenant, &["api_keys:write", "crm:read"]).await;
    let more = json!({"name": "More", "permissions": ["crm:write"]});
    manager.client.post("/api-keys", &more).await.problem(403, "cannot_grant");
    let own = make(&app, &manager.client, &["crm:read"]).await;
    manager.client.patch(&own.path(), &json!({"permissions": ["crm:write"]})).await.problem(403, "cannot_grant");

    let strong = make(&app, &tenant.client, &["crm:write"]).await;
    manager.client.patch(&strong.path(), &json!({"name": "x"})).await.problem(403, "cannot_grant");
    manager.client.post(&format!("{}/rotate", strong.path()), &json!({})).await.problem(403, "cannot_grant");
    manager.client.delete(&strong.path()).await.problem(403, "cannot_grant");
    assert_eq!(read(&tenant.client, &strong).await.state, "active");

    // What the maker loses, the key keeps: it belongs to the tenant.
    let path = format!("/users/{}", manager.id);
    let suspended = tenant.client.patch(&path, &json!({"status": "suspended"})).await.json(200);
    assert_eq!(suspended["active_api_keys"][0]["id"], json!(own.key.id));
    own.client.get("/crm/contacts").await.expect(200);
    let listed = tenant.client.list::<ApiKey>(&format!("{path}/api-keys")).await;
    assert_eq!(listed.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(), [own.key.id.as_str()]);
    let ended = tenant.client.patch(&path, &json!({"revoke_api_keys": true})).await.json(200);
    assert_eq!(ended["active_api_keys"], json!([]));
    own.client.get("/crm/contacts").await.problem(401, "invalid_token");
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_makers_keys_stay_unless_they_are_revoked() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    for revokes in [false, true] {
        let maker = app.user(&tenant, Some("admin")).await;
        let made = make(&app, &maker.client, &["crm:read"]).await;
        tenant.client.delete(&format!("/users/{}?revoke_api_keys={revokes}", maker.id)).await.expect(204);
        let status = made.client.get("/crm/contacts").await.status.as_u16();
        assert_eq!(status, if revokes { 401 } else { 200 });
        assert_eq!(read(&tenant.client, &made).await.created_by, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn actions_of_and_on_keys_are_recorded() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let made = make(&app, &tenant.client, &["crm:write"]).await;
    let mut ids = Vec::new();
    for name in ["Ada", "Ada L."] {
        let contact = made.client.post("/crm/contacts", &json!({"display_name": name})).await.json(201);
        ids.push(contact["id"].as_str().unwrap().to_owned());
    }
    let note = made.client.post(&format!("/crm/contacts/{}/interactions", ids[0]), &json!({"text": "called"})).await;
    let note: Value = note.json(201);
    assert_eq!((&note["actor_id"], &note["api_key_id"]), (&Value::Null, &json!(made.key.id)));
    let other = json!({"contact_id": ids[1]});
    let merged = made.client.post(&format!("/crm/contacts/{}/merge", ids[0]), &other).await;
    assert!(merged.status.is_success(), "{}", merged.text);
    tenant.client.post(&format!("{}/rotate", made.path()), &json!({})).await.expect(201);
    tenant.client.delete(&made.path()).await.expect(204);
    let log = tenant.client.list::<AuditRecord>("/audit-log?limit=4").await;
    let latest: Vec<(&str, &str)> =
        log.iter().map(|record| (record.action.as_str(), record.actor.kind.as_str())).collect();
    let expected = [
        ("api_key.revoked", "user"),
        ("api_key.rotated", "user"),
        ("contact.merged", "api_key"),
        ("api_key.created", "user"),
    ];
    assert_eq!(latest, expected);
    assert_eq!(log[2].actor.id, Some(made.key.id.clone()));
    assert!(!serde_json::to_string(&tenant.client.get("/audit-log").await.text).unwrap().contains(&made.secret));
}
