//! Alert rules, runbook and dashboards below `deploy/` are consistent with each other and with the server.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::api::LoggedIn;
use crate::kit::app::{PASSWORD, TestTenant};
use crate::kit::customer::fresh_phone;
use crate::kit::deploy_files::{self, RunbookSection};
use crate::kit::deployment::{Deployment, Server};
use crate::kit::meta::{Number, fresh_wamid, signature, text};
use crate::kit::metric_series::{Label, exported, grouped_by, selected};
use crate::kit::sandbox::MetaSandbox;
use crate::kit::upload::PNG;
use crate::kit::users::log_in;
use crate::kit::wait;

/// Labels that Prometheus adds to each series, or to the series of a histogram.
const ADDED: [&str; 3] = ["job", "instance", "le"];

#[test]
fn alerts_and_runbook_sections_match() {
    let alerts = deploy_files::alerts();
    assert!(alerts.len() > 10, "{alerts:?}");
    let named: BTreeSet<&str> = alerts.iter().map(String::as_str).collect();
    assert_eq!(named.len(), alerts.len(), "duplicate alert");
    let (rules, runbook) = (deploy_files::rules(), deploy_files::read("runbook.md"));
    let sections: BTreeSet<&str> = runbook.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    assert_eq!(sections, named);
    for alert in &alerts {
        let rule = rule(&rules, alert);
        let link = format!("runbook_url: deploy/runbook.md#{}\n", alert.to_lowercase());
        for part in ["severity: ", "summary: ", "description: ", &link] {
            assert!(rule.contains(part), "{alert} has no `{part}`");
        }
        let section = RunbookSection::of(alert);
        for part in ["**Means.**", "**People notice**", "**Look**", "**Mend"] {
            assert!(section.text().contains(part), "{alert} has no {part}");
        }
        assert!(section.queries().len() + section.commands().len() > 0, "{alert} has no command");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runbook_queries_of_sending_are_valid() {
    let database = crate::kit::database::shared().await;
    for alert in ["ParleySendsUnclear", "ParleySendingPaused", "ParleySendsFailing", "ParleySendsWaitTooLong"] {
        let section = RunbookSection::of(alert);
        assert!(!section.queries().is_empty(), "{alert} has no query");
        for query in section.queries() {
            database.text(&format!("SELECT count(*)::text AS finding FROM ({query}) rows")).await;
        }
    }
}

#[test]
fn dashboards_are_complete() {
    let alerts = deploy_files::alerts();
    let source = deploy_files::read("grafana/provisioning/datasources/prometheus.yml");
    let dashboards = deploy_files::dashboards();
    let uids: BTreeSet<&str> = dashboards.iter().map(|(_, dashboard)| dashboard["uid"].as_str().unwrap()).collect();
    assert_eq!(
        uids,
        BTreeSet::from([
            "parley-auth",
            "parley-database",
            "parley-media",
            "parley-overview",
            "parley-sending",
            "parley-webhooks"
        ])
    );
    for (name, dashboard) in &dashboards {
        let panels = panels(dashboard);
        let ids: BTreeSet<u64> =
            dashboard["panels"].as_array().unwrap().iter().map(|it| it["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), dashboard["panels"].as_array().unwrap().len(), "{name}: duplicate panel id");
        for panel in panels {
            let title = format!("{name}: {}", panel["title"]);
            let datasource = panel["datasource"]["uid"].as_str().unwrap();
            assert!(source.contains(&format!("uid: {datasource}\n")), "{title}");
            assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title} has no unit");
            for target in panel["targets"].as_array().unwrap() {
                assert!(!target["legendFormat"].as_str().unwrap().is_empty(), "{title} has no legend");
            }
            let words = panel["description"].as_str().unwrap_or_default().split([' ', ',', '.', ':']);
            for alert in words.filter(|word| word.starts_with("Parley") && *word != "Parley") {
                assert!(alerts.iter().any(|known| known == alert), "{title} names {alert}");
            }
        }
    }
}

/// A panel that names an alert draws its thresholds where the alert fires.
#[test]
fn panel_thresholds_equal_alert_thresholds() {
    let (rules, alerts) = (deploy_files::rules(), deploy_files::alerts());
    let mut compared = 0;
    for (name, dashboard) in deploy_files::dashboards() {
        for panel in panels(&dashboard) {
            let named = panel["description"].as_str().unwrap_or_default();
            let limits: Vec<f64> = alerts
                .iter()
                .filter(|alert| named.contains(*alert))
                .flat_map(|alert| limits(rule(&rules, alert)))
                .collect();
            let steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"].as_array();
            let lines = steps.into_iter().flatten().filter_map(|step| step["value"].as_f64());
            for line in lines.filter(|_| !limits.is_empty()) {
                let same = |limit: &f64| (limit - line).abs() < 1e-9 * line;
                assert!(limits.iter().any(same), "{name}: {}: {line} is not in {limits:?}", panel["title"]);
                compared += 1;
            }
        }
    }
    assert!(compared > 10, "only {compared} panels were compared");
}

/// The limits a rule compares with: `> 14.4 * 0.001` is 0.0144. A limit of zero is drawn as a line at one.
fn limits(rule: &str) -> Vec<f64> {
    let compared = rule.split(['>', '=']).skip(1).filter_map(|text| {
        let mut words = text.split_whitespace();
        let first: f64 = words.next()?.parse().ok()?;
        let factor = words.next().filter(|word| *word == "*").and(words.next());
        Some(first * factor.and_then(|factor| factor.parse().ok()).unwrap_or(1.0))
    });
    compared.map(|limit| if limit == 0.0 { 1.0 } else { limit }).collect()
}

/// The text of one alert's rule.
fn rule<'r>(rules: &'r str, alert: &str) -> &'r str {
    let mut all = rules.split("- alert: ");
    all.find(|rule| rule.lines().next() == Some(alert)).unwrap_or_else(|| panic!("no rule {alert}"))
}

/// The panels that show data.
fn panels(dashboard: &Value) -> Vec<&Value> {
    dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row").collect()
}

/// All Prometheus queries, each with the file or panel that contains it.
fn queries() -> Vec<(String, String)> {
    let mut queries = vec![("alerts.yml".to_owned(), deploy_files::rules())];
    for (name, dashboard) in deploy_files::dashboards() {
        for panel in panels(&dashboard) {
            let targets = panel["targets"].as_array().unwrap().iter();
            queries.extend(
                targets.map(|it| (format!("{name}: {}", panel["title"]), it["expr"].as_str().unwrap().to_owned())),
            );
        }
    }
    queries
}

/// A rule or panel that names a metric, label or label value that no server exports never fires or shows data.
#[tokio::test(flavor = "multi_thread")]
async fn series_in_rules_and_panels_are_exported() {
    let meta = MetaSandbox::start();
    let deployment = Deployment::new().await.with("PARLEY_WHATSAPP_GRAPH_URL", meta.url());
    let server = deployment
        .serve_with("api,relay,worker,sender,scheduler", &[("FAILPOINTS", "worker.fail=return(cannot be processed)")])
        .await;
    let owner = cause_access_metrics(&server).await;
    let number = Number::fresh();
    let account = json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id});
    server.client.with_token(&owner).post("/whatsapp-accounts", &account).await.json(201);
    cause_sending_metrics(&meta, &server).await;
    cause_message_metrics(&deployment, &server, &number).await;
    // The scheduler and the pools export their gauges some seconds after the start.
    wait::until("gauges", async || server.metrics().await.contains("\nparley_queue_consumers").then_some(())).await;

    let exported = exported(&server.metrics().await);
    let mut missing = BTreeSet::new();
    for (who, query) in queries() {
        let selected = selected(&query);
        for series in &selected {
            match exported.get(&series.name) {
                None => {
                    missing.insert(format!("{who}: {}", series.name));
                }
                Some(there) => missing.extend(
                    series
                        .labels
                        .iter()
                        .flat_map(|label| unknown(label, there))
                        .map(|it| format!("{who}: {} {it}", series.name)),
                ),
            }
        }
        let known: BTreeSet<&str> = labels(&exported).chain(ADDED).collect();
        missing.extend(
            grouped_by(&query)
                .into_iter()
                .filter(|label| !known.contains(label))
                .map(|label| format!("{who}: by {label}")),
        );
    }
    assert!(missing.is_empty(), "not exported: {missing:#?}");

    server.signal("TERM");
    assert!(server.exit().await.success());
    deployment.finish().await;
}

/// What a selector requires of a label and no exported series has.
fn unknown(label: &Label, there: &[Vec<Label>]) -> Vec<String> {
    let values: BTreeSet<&str> =
        there.iter().flatten().filter(|it| it.name == label.name).map(|it| it.value.as_str()).collect();
    if values.is_empty() {
        return vec![format!("has no label {}", label.name)];
    }
    let unknown = label.values().into_iter().filter(|value| !values.contains(value));
    unknown.map(|value| format!("is never {}={value:?}", label.name)).collect()
}

fn labels(exported: &BTreeMap<String, Vec<Vec<Label>>>) -> impl Iterator<Item = &str> {
    exported.values().flatten().flatten().map(|label| label.name.as_str())
}

/// Signs up, repeats a wrong password until rate limited, and replays a refresh token. Returns the owner's access
/// token.
async fn cause_access_metrics(server: &Server) -> String {
    let client = &server.client;
    let made = client.sign_up("acme").await;
    let acme = client.with("x-tenant-id", "acme");
    let grace = json!({"email": "grace@example.com", "password": PASSWORD});
    acme.post("/auth/register", &grace).await.json(201);
    acme.post("/auth/login", &grace).await.json(200);
    let refresh = async |token: &str| client.post("/auth/refresh", &json!({"refresh_token": token})).await;
    let next: LoggedIn = refresh(&made.refresh_token).await.body(200);
    refresh(&next.refresh_token).await.expect(200);
    refresh(&made.refresh_token).await.expect(401);
    let wrong = json!({"email": "grace@example.com", "password": "wrong password"});
    wait::until("the rate limit", async || (acme.post("/auth/login", &wrong).await.status == 429).then_some(())).await;
    for probe in ["/healthz", "/readyz"] {
        wait::until(probe, async || (client.get(probe).await.status == 200).then_some(())).await;
    }
    // The replayed refresh token ended the first session.
    log_in(client, "acme", "ada@example.com", PASSWORD).await.body::<LoggedIn>(200).access_token
}

/// Sends a message to a customer, who gets it.
async fn cause_sending_metrics(meta: &MetaSandbox, server: &Server) {
    let tenant = TestTenant::sign_up(&server.client, "seller").await;
    let line = meta.line_with(server.client.base(), &tenant, json!({})).await;
    let (_, conversation) = meta.conversation(&tenant, &line).await;
    let sent = tenant.send_text(&conversation, "Hello").await;
    tenant.wait_for_status(&sent, "delivered").await;
    let file = meta.customer_file(&line, "image/png", PNG).await;
    let message = json!({"phone_number_id": line.number.phone_number_id, "from": fresh_phone(), "type": "image",
        "image": {"id": file}});
    meta.post("/phone/messages", &message).await;
    wait::until("the file to be stored", async || {
        server.metrics().await.contains("\nparley_media_stored_seconds").then_some(())
    })
    .await;
}

/// Sends a message that is processed, one that fails, one without an id, one with a wrong signature, and one during a
/// database outage.
async fn cause_message_metrics(deployment: &Deployment, server: &Server, number: &Number) {
    let send = async |body: Vec<u8>, signature: String| {
        let client = server.client.with("x-hub-signature-256", &signature);
        client.send(Method::POST, "/webhooks/whatsapp", Some(body)).await.status.as_u16()
    };
    let mut without_id = text("15550100", "without an id");
    without_id.as_object_mut().unwrap().remove("id");
    let messages = [text("15550100", "can be processed"), text("15550101", "cannot be processed"), without_id];
    let body = number.delivery(&messages).to_string().into_bytes();
    assert_eq!(send(body.clone(), signature(&body)).await, 200);
    assert_eq!(send(body.clone(), signature(b"something else")).await, 401);
    wait::until("retries and dead letters", async || {
        let text = server.metrics().await;
        let counted = |metric: &str| text.lines().any(|line| line.starts_with(metric));
        ["parley_event_retries_total", "parley_events_dead_lettered_total", "parley_event_end_to_end_seconds"]
            .iter()
            .all(|metric| counted(metric))
            .then_some(())
    })
    .await;

    deployment.database.refuse_connections().await;
    let late = number.delivery(&[text("15550100", &fresh_wamid())]).to_string().into_bytes();
    wait::until("a delivery to be answered 503", async || {
        (send(late.clone(), signature(&late)).await == 503).then_some(())
    })
    .await;
    deployment.database.accept_connections().await;
}
