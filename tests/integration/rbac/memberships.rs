//! Granting and revoking roles.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::kit::app::TestApp;
use crate::kit::client::retry_while_unavailable;
use crate::kit::users::{TestUser, new_role, role_of};

const UNKNOWN: &str = "0190b5a2-7e2f-7000-8000-000000000000";

#[tokio::test(flavor = "multi_thread")]
async fn role_change_applies_to_next_request() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let sales = new_role(&tenant.client, "sales", &["crm:read"]).await;
    let clerk = app.user(&tenant, None).await;
    let memberships = format!("{}/memberships", clerk.path());
    assert_eq!(tenant.client.get(&memberships).await.json(200)["data"], json!([]));
    clerk.client.get("/crm/contacts").await.problem(403, "insufficient_scope");

    let given = tenant.client.put_empty(&clerk.membership(&sales)).await.json(200);
    assert_eq!((&given["role_id"], &given["key"], &given["name"]), (&sales["id"], &sales["key"], &sales["name"]));
    clerk.client.get("/crm/contacts").await.json(200);
    let merge = format!("/crm/contacts/{UNKNOWN}/merge");
    let body = json!({"contact_id": UNKNOWN});
    clerk.client.post(&merge, &body).await.problem(403, "insufficient_scope");
    clerk.client.get("/users").await.problem(403, "insufficient_scope");
    // Granting it again changes nothing.
    assert_eq!(tenant.client.put_empty(&clerk.membership(&sales)).await.json(200), given);
    assert_eq!(tenant.client.get(&memberships).await.json(200)["data"], json!([given]));
    assert_eq!(tenant.client.get(&clerk.path()).await.json(200)["roles"], json!(["sales"]));
    let me = clerk.client.get("/auth/me").await.json(200);
    assert_eq!((&me["roles"], &me["permissions"]), (&json!(["sales"]), &json!(["crm:read"])));

    // A change of the role applies to users who already have it.
    let permissions = format!("/roles/{}/permissions", sales["id"].as_str().unwrap());
    let body = json!({"version": 1, "permissions": ["crm:write"]});
    tenant.client.put(&permissions, &body).await.json(200);
    clerk.client.post(&merge, &json!({"contact_id": UNKNOWN})).await.problem(404, "not_found");
    let body = json!({"version": 2, "permissions": ["users:read"]});
    tenant.client.put(&permissions, &body).await.json(200);
    clerk.client.get("/crm/contacts").await.problem(403, "insufficient_scope");
    clerk.client.get("/users").await.json(200);

    tenant.client.delete(&clerk.membership(&sales)).await.expect(204);
    clerk.client.get("/users").await.problem(403, "insufficient_scope");
    tenant.client.delete(&clerk.membership(&sales)).await.problem(404, "not_found");
    assert_eq!(tenant.client.get(&memberships).await.json(200)["data"], json!([]));

    let log = tenant.client.get("/audit-log").await.json(200);
    let of_clerk: Vec<&Value> =
        log["data"].as_array().unwrap().iter().filter(|record| record["target"]["id"] == clerk.id.as_str()).collect();
    let said: Vec<&str> = of_clerk
        .iter()
        .map(|record| record["action"].as_str().unwrap())
        .filter(|action| action.starts_with("membership."))
        .collect();
    assert_eq!(said, ["membership.revoked", "membership.granted"], "latest first, one record each");
    assert!(of_clerk[..2].iter().all(|record| record["changes"] == json!({"role_id": sales["id"], "role": "sales"})));
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_role_cannot_be_granted_or_revoked() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.tenant().await, app.tenant().await);
    let viewer = role_of(&tenant, "viewer").await;
    let (clerk, stranger) = (app.user(&tenant, None).await, app.user(&other, None).await);
    let foreign = role_of(&other, "viewer").await;
    for path in [
        stranger.membership(&viewer),
        clerk.membership(&foreign),
        clerk.membership(&json!({"id": UNKNOWN})),
        format!("/users/{UNKNOWN}/memberships/{}", viewer["id"].as_str().unwrap()),
        format!("/users/x/memberships/{}", viewer["id"].as_str().unwrap()),
        format!("{}/memberships/viewer", clerk.path()),
    ] {
        tenant.client.put_empty(&path).await.problem(404, "not_found");
        tenant.client.delete(&path).await.problem(404, "not_found");
    }
    tenant.client.get(&format!("/users/{UNKNOWN}/memberships")).await.problem(404, "not_found");
    tenant.client.get(&format!("{}/memberships", stranger.path())).await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn user_roles_are_listed_in_pages() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let clerk = app.user(&tenant, None).await;
    for key in ["viewer", "agent", "billing"] {
        let role = role_of(&tenant, key).await;
        tenant.client.put_empty(&clerk.membership(&role)).await.expect(200);
        app.clock.advance(chrono::TimeDelta::seconds(1));
    }
    let list = format!("{}/memberships?limit=2", clerk.path());
    let keys = |page: &Value| page["data"].as_array().unwrap().iter().map(|it| it["key"].clone()).collect::<Vec<_>>();
    let first = tenant.client.get(&list).await.json(200);
    assert_eq!(keys(&first), ["billing", "agent"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = tenant.client.get(&format!("{list}&cursor={cursor}")).await.json(200);
    assert_eq!((keys(&rest), &rest["next_cursor"]), (vec![json!("viewer")], &Value::Null));
    let of_another = format!("{}/memberships?cursor={cursor}", app.user(&tenant, None).await.path());
    tenant.client.get(&of_another).await.problem(400, "invalid_cursor");
}

#[tokio::test(flavor = "multi_thread")]
async fn last_active_owner_cannot_be_demoted() {
    let app = TestApp::start().await;
    let tenant = app.tenant().await;
    let owner = role_of(&tenant, "owner").await;
    let first = TestUser::owner(&tenant).await;
    tenant.client.delete(&first.membership(&owner)).await.problem(409, "last_owner");
    tenant.client.get("/users").await.json(200);

    // A suspended owner does not count.
    let second = app.user(&tenant, Some("owner")).await;
    tenant.client.patch(&second.path(), &json!({"status": "suspended"})).await.json(200);
    tenant.client.delete(&first.membership(&owner)).await.problem(409, "last_owner");
    // A suspended owner can be removed.
    tenant.client.delete(&second.membership(&owner)).await.expect(204);

    let third = app.user(&tenant, Some("owner")).await;
    tenant.client.delete(&first.membership(&owner)).await.expect(204);
    tenant.client.get("/users").await.problem(403, "insufficient_scope");
    third.client.delete(&third.membership(&owner)).await.problem(409, "last_owner");
    assert_eq!(app.active_owners(&tenant).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_owner_removals_leave_one_owner() {
    let app = TestApp::start().await;
    for round in 0..3 {
        let tenant = app.tenant().await;
        let role = role_of(&tenant, "owner").await;
        let owners = [TestUser::owner(&tenant).await, app.user(&tenant, Some("owner")).await];
        let removals = (0..50).map(|n| {
            let (who, whom) = (&owners[n % 2], &owners[(n / 2) % 2]);
            let path = whom.membership(&role);
            retry_while_unavailable(async move || who.client.delete(&path).await)
        });
        let answers = join_all(removals).await;
        let taken = answers.iter().filter(|answer| answer.status == 204).count();
        assert_eq!(taken, 1, "round {round}");
        for answer in &answers {
            assert!([204, 403, 404, 409].contains(&answer.status.as_u16()), "{} {}", answer.status, answer.text);
        }
        assert_eq!(app.active_owners(&tenant).await, 1, "round {round}");
    }
}
