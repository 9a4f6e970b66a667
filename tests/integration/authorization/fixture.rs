//! Two resources of each kind in each of two tenants, and callers with chosen permissions.

use std::collections::{BTreeMap, HashMap};

use audit::Principal;
use billing::PaymentTerms;
use flows::close_billing_periods;
use kernel::Permission;
use reqwest::Method;
use serde_json::{Value, json};

use super::document::{Access, Operation, list_of, unknown_parameter};
use crate::kit::api::{AuditVerification, Resource as _, WebhookEvent};
use crate::kit::app::{TestApp, TestTenant};
use crate::kit::client::Client;
use crate::kit::meta::text;
use crate::kit::sandbox::{Line, MetaSandbox};
use crate::kit::upload::{PNG, upload};
use crate::kit::users::role_of;
use crate::kit::wait;

/// An id that does not exist.
pub(super) const UNKNOWN: &str = "0190b5a2-7e2f-7000-8000-000000000000";

/// An id of the same form that does not exist.
pub(super) fn unknown_like(id: &str) -> String {
    if id.contains('-') { UNKNOWN.to_owned() } else { "0".repeat(id.len()) }
}

/// A tenant and its owner's client.
pub(super) struct Tenant {
    pub(super) id: String,
    pub(super) client: Client,
}

impl Tenant {
    /// Creates two of everything that can be listed. A new list endpoint needs its resources here.
    pub(super) async fn populated(app: &TestApp, meta: &MetaSandbox) -> Self {
        let tenant = app.tenant().await;
        for from in ["15550100", "15550101"] {
            let Line { number, .. } = meta.line(app, &tenant).await;
            meta.post(&format!("/wabas/{}/sample_templates", number.waba_id), &json!({})).await;
            app.process(&number.delivery(&[text(from, "one"), text(from, "two")])).await;
            tenant.meta_app().await;
            let agent = app.user(&tenant, Some("agent")).await;
            let viewer = role_of(&tenant, "viewer").await;
            tenant.client.put_empty(&agent.membership(&viewer)).await.expect(200);
        }
        for name in ["Shop", "Bot"] {
            let body = json!({"name": name, "permissions": ["crm:read"]});
            tenant.client.post("/api-keys", &body).await.expect(201);
        }
        // So that the first of the users has made keys.
        let newest = "SELECT id FROM users WHERE tenant_id = '$T' ORDER BY created_at DESC, id DESC LIMIT 1";
        let made_by = format!("UPDATE api_keys SET created_by = ({newest}) WHERE tenant_id = '$T'");
        app.execute_for(&tenant, &made_by).await;
        tenant.client.post("/templates/sync", &json!({})).await.expect(200);
        for event in tenant.client.list::<WebhookEvent>("/webhook-events?limit=2").await {
            // The actions above wrote audit records.
            let dead_letter = format!("UPDATE webhook_events SET status = 'dead_letter' WHERE id = '{}'", event.id);
            app.execute_for(&tenant, &dead_letter).await;
            let body = json!({"reason": "the test needs a record"});
            tenant.client.post(&format!("{}/replay", event.path()), &body).await.expect(202);
        }
        app.wait_until_processed().await;
        bill_twice(app, &tenant).await;
        app.log_in(&tenant.slug, &tenant.email, crate::kit::app::PASSWORD).await.json(200);
        // Sealing assigns sequence numbers, which would change the compared output later.
        wait::until("the seals", async || {
            (tenant.client.read::<AuditVerification>("/audit-log/verify").await.unsealed == 0).then_some(())
        })
        .await;
        Self { id: tenant.id, client: tenant.client }
    }

    /// The id of a list's first item.
    pub(super) async fn first(&self, list: &str) -> String {
        let page = self.client.get(list).await.json(200);
        let item = &page["data"][0];
        let id = ["id", "key"].iter().find_map(|name| item[name].as_str());
        id.unwrap_or_else(|| panic!("{list} is empty; create two of them in authorization/fixture.rs")).to_owned()
    }

    /// An operation's path with ids of this tenant.
    pub(super) async fn path(&self, document: &Value, operation: &Operation) -> String {
        let mut path = operation.template.clone();
        for name in &operation.path_parameters {
            let id = match operation.access {
                Access::Tenant => self.id_for(document, &path, name).await,
                _ => unknown_parameter(name).to_owned(),
            };
            path = path.replace(&format!("{{{name}}}"), &id);
        }
        path
    }

    /// An operation's path with ids of the other tenant except for one parameter, and the same path with an unknown id
    /// instead of this tenant's.
    pub(super) async fn path_with(
        &self,
        document: &Value,
        operation: &Operation,
        other: &Self,
        foreign: &str,
    ) -> (String, String) {
        let (mut own, mut ours) = (operation.template.clone(), operation.template.clone());
        let mut paths = (operation.template.clone(), operation.template.clone());
        for name in &operation.path_parameters {
            let parameter = format!("{{{name}}}");
            let (theirs, mine) = (other.id_for(document, &own, name).await, self.id_for(document, &ours, name).await);
            let (one, two) =
                if name == foreign { (mine.clone(), unknown_like(&mine)) } else { (theirs.clone(), theirs.clone()) };
            paths = (paths.0.replace(&parameter, &one), paths.1.replace(&parameter, &two));
            (own, ours) = (own.replace(&parameter, &theirs), ours.replace(&parameter, &mine));
        }
        paths
    }

    /// The id for a path parameter, given the path before it: from the list at that path unless the parameter's name
    /// has a list of its own.
    async fn id_for(&self, document: &Value, path: &str, name: &str) -> String {
        if let Some(list) = list_of(name) {
            return self.first(list).await;
        }
        let (list, _) = path.split_once(&format!("/{{{name}}}")).expect("the parameter is in the path");
        if list == "/crm/media" {
            let file = upload(&self.client, "a.png", "image/png", PNG).await;
            return file["id"].as_str().expect("it has an id").to_owned();
        }
        if list == "/crm/messages" {
            let conversation = self.first("/crm/conversations").await;
            return self.first(&format!("/crm/conversations/{conversation}/messages")).await;
        }
        let is_list = document["paths"]
            .as_object()
            .expect("there are paths")
            .iter()
            .any(|(template, item)| !item["get"].is_null() && same_shape(template, list));
        assert!(is_list, "{path}: no list for {name}; name its list in LISTS of authorization/document.rs");
        self.first(list).await
    }

    /// The owner's view of all lists whose paths have no parameters.
    pub(super) async fn everything(&self, operations: &[Operation]) -> BTreeMap<String, Value> {
        let mut everything = BTreeMap::new();
        let lists = operations.iter().filter(|it| it.method == Method::GET && it.access == Access::Tenant);
        for operation in lists.filter(|it| it.path_parameters.is_empty() && it.has_cursor) {
            let answer = self.client.get(&operation.template).await;
            everything.insert(operation.template.clone(), serde_json::from_str(&answer.text).unwrap_or(json!(null)));
        }
        everything
    }
}

/// Ends two billing periods, each with an invoice.
async fn bill_twice(app: &TestApp, tenant: &TestTenant) {
    let json = tenant.client.with("content-type", "application/json");
    let plan = json!({"plan_code": "starter"}).to_string();
    json.send(Method::PUT, "/billing/subscription", Some(plan.into())).await.expect(200);
    let begin_earlier = "UPDATE subscriptions SET anchor = anchor - 70, period_start = period_start - 70,
            period_end = (period_start - 70 + interval '1 month')::date WHERE tenant_id = '$T'";
    app.execute_for(tenant, begin_earlier).await;
    let closed = close_billing_periods(&app.postgres, Principal::System, PaymentTerms::default(), &*app.clock).await;
    assert!(closed.expect("periods can be closed").failures.is_empty());
}

fn same_shape(template: &str, path: &str) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len() && template.iter().zip(&path).all(|(one, other)| one == other || one.starts_with('{'))
}

/// Users of one tenant with given permissions, created once per permission set.
pub(super) struct Callers<'t> {
    app: &'t TestApp,
    tenant: &'t TestTenant,
    known: HashMap<(bool, String), Client>,
}

impl<'t> Callers<'t> {
    pub(super) fn new(app: &'t TestApp, tenant: &'t TestTenant) -> Self {
        Self { app, tenant, known: HashMap::new() }
    }

    pub(super) async fn only(&mut self, permission: &str) -> Client {
        self.caller(true, permission, |it| it.key() == permission).await
    }

    /// All permissions except this one and those that imply it.
    pub(super) async fn all_but(&mut self, permission: &str) -> Client {
        let implies = |it: &Permission| it.implies().is_some_and(|implied| implied.key() == permission);
        self.caller(false, permission, |it| it.key() != permission && !implies(it)).await
    }

    async fn caller(&mut self, only: bool, name: &str, may: impl Fn(&Permission) -> bool) -> Client {
        let key = (only, name.to_owned());
        if let Some(client) = self.known.get(&key) {
            return client.clone();
        }
        let permissions: Vec<&str> = Permission::ALL.iter().filter(|it| may(it)).map(|it| it.key()).collect();
        let client = self.app.user_with_permissions(self.tenant, &permissions).await.client;
        self.known.insert(key, client.clone());
        client
    }
}
