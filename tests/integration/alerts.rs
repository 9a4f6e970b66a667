//! What is below `deploy/` for those who watch Parley: alert rules, runbook and dashboards fit each other and the server.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::app::PASSWORD;
use crate::kit::deployment::{Deployment, Server};
use crate::kit::meta::{Number, fresh_wamid, signature, text};
use crate::kit::runbook::{self, Paragraph};
use crate::kit::series::{Label, exported, grouped_by, selected};
use crate::kit::wait;

/// What Prometheus adds to each series, or makes of a histogram.
const ADDED: [&str; 3] = ["job", "instance", "le"];

#[test]
fn each_alert_has_a_paragraph_with_commands_and_no_paragraph_is_of_none() {
    let alerts = runbook::alerts();
    assert!(alerts.len() > 10, "{alerts:?}");
    let named: BTreeSet<&str> = alerts.iter().map(String::as_str).collect();
    assert_eq!(named.len(), alerts.len(), "an alert is there twice");
    let (rules, book) = (runbook::rules(), runbook::read("runbook.md"));
    let paragraphs: BTreeSet<&str> = book.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    assert_eq!(paragraphs, named);
    for alert in &alerts {
        let rule = rule(&rules, alert);
        let link = format!("runbook_url: deploy/runbook.md#{}\n", alert.to_lowercase());
        for part in ["severity: ", "summary: ", "description: ", &link] {
            assert!(rule.contains(part), "{alert} has no `{part}`");
        }
        let paragraph = Paragraph::of(alert);
        for part in ["**Means.**", "**People notice**", "**Look**", "**Mend"] {
            assert!(paragraph.text().contains(part), "{alert} has no {part}");
        }
        assert!(paragraph.queries().len() + paragraph.commands().len() > 0, "{alert} has no command");
    }
}

#[test]
fn dashboards_are_whole() {
    let alerts = runbook::alerts();
    let source = runbook::read("grafana/provisioning/datasources/prometheus.yml");
    let dashboards = runbook::dashboards();
    let uids: BTreeSet<&str> = dashboards.iter().map(|(_, dashboard)| dashboard["uid"].as_str().unwrap()).collect();
    assert_eq!(uids, BTreeSet::from(["parley-auth", "parley-database", "parley-overview", "parley-webhooks"]));
    for (name, dashboard) in &dashboards {
        let panels = panels(dashboard);
        let ids: BTreeSet<u64> =
            dashboard["panels"].as_array().unwrap().iter().map(|it| it["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), dashboard["panels"].as_array().unwrap().len(), "{name}: two panels have one id");
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

/// Whoever sees a line crossed in a panel that names an alert expects that alert.
#[test]
fn thresholds_of_panels_are_those_of_the_alerts_that_they_name() {
    let (rules, alerts) = (runbook::rules(), runbook::alerts());
    let mut compared = 0;
    for (name, dashboard) in runbook::dashboards() {
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
                assert!(limits.iter().any(same), "{name}: {}: {line} is none of {limits:?}", panel["title"]);
                compared += 1;
            }
        }
    }
    assert!(compared > 10, "{compared} panels name an alert and have a threshold");
}

/// What a rule compares with: `> 14.4 * 0.001` is 0.0144. More than none, and none, are told by a line at one.
fn limits(rule: &str) -> Vec<f64> {
    let compared = rule.split(['>', '=']).skip(1).filter_map(|text| {
        let mut words = text.split_whitespace();
        let first: f64 = words.next()?.parse().ok()?;
        let factor = words.next().filter(|word| *word == "*").and(words.next());
        Some(first * factor.and_then(|factor| factor.parse().ok()).unwrap_or(1.0))
    });
    compared.map(|limit| if limit == 0.0 { 1.0 } else { limit }).collect()
}

/// An alert's rule, without those after it.
fn rule<'r>(rules: &'r str, alert: &str) -> &'r str {
    let mut all = rules.split("- alert: ");
    all.find(|rule| rule.lines().next() == Some(alert)).unwrap_or_else(|| panic!("there is no rule {alert}"))
}

/// Those that show something.
fn panels(dashboard: &Value) -> Vec<&Value> {
    dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row").collect()
}

/// What is asked of Prometheus, by who asks.
fn queries() -> Vec<(String, String)> {
    let mut queries = vec![("alerts.yml".to_owned(), runbook::rules())];
    for (name, dashboard) in runbook::dashboards() {
        for panel in panels(&dashboard) {
            let targets = panel["targets"].as_array().unwrap().iter();
            queries.extend(
                targets.map(|it| (format!("{name}: {}", panel["title"]), it["expr"].as_str().unwrap().to_owned())),
            );
        }
    }
    queries
}

/// A rule or a panel that names a metric, a label or a value of one that no server exports says nothing, for ever.
#[tokio::test(flavor = "multi_thread")]
async fn what_rules_and_panels_name_is_exported_by_a_server_that_works() {
    let deployment = Deployment::new().await;
    let server = deployment
        .serve_with("api,relay,worker,scheduler", &[("FAILPOINTS", "worker.fail=return(cannot be done)")])
        .await;
    let owner = people(&server).await;
    let number = Number::fresh();
    let account = json!({"phone_number_id": number.phone_number_id, "waba_id": number.waba_id});
    server.client.with_token(&owner).post("/whatsapp-accounts", &account).await.json(201);
    messages(&deployment, &server, &number).await;
    // The scheduler and the pools measure some seconds later.
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
    assert!(missing.is_empty(), "nobody exports: {missing:#?}");

    server.signal("TERM");
    assert!(server.exit().await.success());
    deployment.finish().await;
}

/// What of a label is on no series of the metric.
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

/// Somebody signs up, mistypes a password until they are told to wait, and shows a refresh token again; the owner's token.
async fn people(server: &Server) -> String {
    let client = &server.client;
    let signup = json!({"tenant_name": "Acme", "slug": "acme", "email": "ada@example.com", "password": PASSWORD});
    let made = client.post("/auth/signup", &signup).await.json(201);
    let acme = client.with("x-tenant-id", "acme");
    let grace = json!({"email": "grace@example.com", "password": PASSWORD});
    acme.post("/auth/register", &grace).await.json(201);
    acme.post("/auth/login", &grace).await.json(200);
    let mut refresh = made["refresh_token"].clone();
    let first = json!({"refresh_token": refresh});
    for _ in 0..2 {
        refresh =
            client.post("/auth/refresh", &json!({"refresh_token": refresh})).await.json(200)["refresh_token"].take();
    }
    client.post("/auth/refresh", &first).await.expect(401);
    let wrong = json!({"email": "grace@example.com", "password": "wrong password"});
    wait::until("too many wrong passwords", async || {
        (acme.post("/auth/login", &wrong).await.status == 429).then_some(())
    })
    .await;
    for probe in ["/healthz", "/readyz"] {
        wait::until(probe, async || (client.get(probe).await.status == 200).then_some(())).await;
    }
    // The first session is over: its token was shown twice.
    let login = json!({"email": "ada@example.com", "password": PASSWORD});
    acme.post("/auth/login", &login).await.json(200)["access_token"].as_str().unwrap().to_owned()
}

/// A message that is processed, one that fails, one without an id, one that Meta did not sign, and one that finds no database.
async fn messages(deployment: &Deployment, server: &Server, number: &Number) {
    let send = async |body: Vec<u8>, signature: String| {
        let client = server.client.with("x-hub-signature-256", &signature);
        client.send(Method::POST, "/webhooks/whatsapp", Some(body)).await.status.as_u16()
    };
    let mut nameless = text("15550100", "nobody knows its id");
    nameless.as_object_mut().unwrap().remove("id");
    let messages = [text("15550100", "can be done"), text("15550101", "cannot be done"), nameless];
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
    wait::until("a delivery that is put off", async || {
        (send(late.clone(), signature(&late)).await == 503).then_some(())
    })
    .await;
    deployment.database.accept_connections().await;
}
