//! Granting and revoking roles.

use futures_util::future::join_all;
use serde_json::json;

use crate::kit::api::{AuditRecord, Me, Membership, Page, Role, User, column};
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
    assert_eq!(tenant.client.list::<Membership>(&memberships).await, []);
    clerk.client.get("/crm/contacts").await.problem(403, "insufficient_scope");

    let given: Membership = tenant.client.put_empty(&clerk.membership(&sales)).await.body(200);
    assert_eq!((&given.role_id, &given.key, &given.name), (&sales.id, &sales.key, &sales.name));
    clerk.client.get("/crm/contacts").await.json(200);
    let merge = format!("/crm/contacts/{UNKNOWN}/merge");
    let body = json!({"contact_id": UNKNOWN});
    clerk.client.post(&merge, &body).await.problem(403, "insufficient_scope");
    clerk.client.get("/users").await.problem(403, "insufficient_scope");
    // Granting it again changes nothing.
    assert_eq!(tenant.client.put_empty(&clerk.membership(&sales)).await.body::<Membership>(200), given);
    assert_eq!(tenant.client.list::<Membership>(&memberships).await, [given]);
    assert_eq!(tenant.client.read::<User>(&clerk.path()).await.roles, ["sales"]);
    let me: Me = clerk.client.read("/auth/me").await;
    assert_eq!((me.roles.join(","), me.permissions.join(",")), ("sales".to_owned(), "crm:read".to_owned()));

    // A change of the role applies to users who already have it.
    let permissions = sales.permissions_path();
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
    assert_eq!(tenant.client.list::<Membership>(&memberships).await, []);

    let mut records: Vec<AuditRecord> = tenant.client.list(&format!("/audit-log?target={}", clerk.id)).await;
    records.retain(|record| record.action.starts_with("membership."));
    let actions = column(&records, |record| record.action.as_str());
    assert_eq!(actions, ["membership.revoked", "membership.granted"], "latest first, one record each");
    assert!(records.iter().all(|record| record.changes == json!({"role_id": sales.id, "role": "sales"})));
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
        clerk.membership(&Role { id: UNKNOWN.to_owned(), ..viewer.clone() }),
        format!("/users/{UNKNOWN}/memberships/{}", viewer.id),
        format!("/users/x/memberships/{}", viewer.id),
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
    let keys = |page: &Page<Membership>| column(&page.data, |it| it.key.clone());
    let first: Page<Membership> = tenant.client.read(&list).await;
    assert_eq!(keys(&first), ["billing", "agent"]);
    let cursor = first.cursor();
    let rest: Page<Membership> = tenant.client.read(&format!("{list}&cursor={cursor}")).await;
    assert_eq!((keys(&rest), rest.next_cursor), (vec!["viewer".to_owned()], None));
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
