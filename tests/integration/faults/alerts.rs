//! For each alert: a fault of its kind makes what it asks for true, as a real Prometheus sees a running deployment, and the
//! commands of its paragraph in the runbook show what it is. How long it must stay true is left to `promtool test rules`.

mod access;
mod processing;
mod webhooks;

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use crate::kit::client::Client;
use crate::kit::deployment::{Deployment, Server};
use crate::kit::prometheus::Prometheus;
use crate::kit::runbook::Paragraph;
use crate::kit::stage::Stage;
use crate::kit::{servers, wait};

/// Some gauges are measured every ten seconds, and other tests run beside this one.
const LIMIT: Duration = Duration::from_mins(2);

/// A deployment of two processes, and the Prometheus that watches it.
struct Watched {
    stage: Stage,
    api: Server,
    /// None after it was ended.
    worker: Option<Server>,
    prometheus: Prometheus,
}

impl Watched {
    /// Begins when no alert is raised.
    async fn begin(settings: impl FnOnce(Deployment) -> Deployment) -> Self {
        let mut stage = Stage::set_with(settings).await;
        let api = stage.serve_as("api,relay,scheduler").await;
        let worker = stage.serve_as("worker").await;
        stage.send_to(&[&api]);
        let prometheus = Prometheus::watch(&[("parley-api", &api), ("parley-worker", &worker)]).await;
        let watched = Self { stage, api, worker: Some(worker), prometheus };
        watched.sees("parley_queue_consumers > 0").await;
        wait::within(LIMIT, "all to be quiet", async || watched.prometheus.all_raised().await.is_empty().then_some(()))
            .await;
        watched
    }

    /// Waits until a query has an answer.
    async fn sees(&self, query: &str) {
        let seen = async || (!self.prometheus.query(query).await.is_empty()).then_some(());
        wait::within(LIMIT, query, seen).await;
    }

    /// Does what is a fault again and again, until an alert is raised that was not before; checks what it tells people.
    async fn raises(&self, alert: &str, fault: impl AsyncFn()) {
        assert!(!self.prometheus.raised(alert).await, "{alert} is raised before there is a fault");
        self.raises_as_well(alert, fault).await;
    }

    /// The same with an alert that an earlier fault, or a machine with much else to do, may have raised.
    async fn raises_as_well(&self, alert: &str, fault: impl AsyncFn()) {
        let start = Instant::now();
        loop {
            fault().await;
            self.prometheus.judged_again().await;
            if self.prometheus.raised(alert).await {
                break;
            }
            assert!(start.elapsed() < LIMIT, "{alert} is not raised; {:?} are", self.prometheus.all_raised().await);
        }
        let said = self.prometheus.annotations(alert).await.to_string();
        assert!(!said.contains("error expanding") && !said.contains("no value"), "{alert}: {said}");
    }

    /// What the commands of the runbook's paragraph show, all together.
    async fn look(&self, alert: &str) -> String {
        let paragraph = Paragraph::of(alert);
        let mut seen = String::new();
        for query in paragraph.queries() {
            let rows = format!("SELECT coalesce(jsonb_agg(to_jsonb(rows)), '[]')::text AS finding FROM ({query}) rows");
            seen.push_str(&self.stage.deployment.database.text(&rows).await);
        }
        for command in paragraph.commands() {
            seen.push_str(&self.run(command).await);
        }
        seen
    }

    /// A command of the runbook, as somebody would run it.
    async fn run(&self, command: &str) -> String {
        let alone = command.split(" | ").next().unwrap_or_default();
        if command.starts_with("logs") {
            return self.logs(command);
        }
        let words: Vec<&str> = alone.split_whitespace().collect();
        match words.as_slice() {
            ["parley", arguments @ ..] => self.parley(arguments).await,
            ["rabbitmqctl", arguments @ ..] => {
                let said = servers::ask(&format!("rabbitmq ctl {}", arguments.join(" "))).await;
                // Of the queues of this deployment: `<name> <messages> <consumers>;`
                let ours = said.lines().filter(|line| line.contains(&self.stage.deployment.namespace));
                ours.map(|line| line.replace('\t', " ") + ";\n").collect()
            }
            ["curl", "-s", address] => {
                let path_of = |port: u16| address.strip_prefix(&format!("http://$HOST:{port}"));
                if let Some(path) = path_of(8080) {
                    answer(&self.api.client, path).await
                } else {
                    let path = path_of(9464).expect("a port of ours");
                    answer(&Client::new(format!("http://{}", self.api.metrics_address())), path).await
                }
            }
            _ => panic!("the runbook has a command of a new kind: {command}"),
        }
    }

    /// The lines of all logs that a command selects by their message.
    fn logs(&self, command: &str) -> String {
        let message = command.split_once(r#".message == ""#).and_then(|(_, rest)| rest.split_once('"'));
        let lines: Vec<Value> = std::iter::once(&self.api).chain(&self.worker).flat_map(Server::log).collect();
        let chosen = lines.iter().filter(|line| message.is_none_or(|(message, _)| line["message"] == message));
        chosen.map(Value::to_string).collect::<Vec<_>>().join("\n")
    }

    async fn parley(&self, arguments: &[&str]) -> String {
        let database = &self.stage.deployment.database;
        let tenant = database.text("SELECT slug AS finding FROM tenants LIMIT 1").await;
        let mut words: Vec<String> = Vec::new();
        for word in arguments {
            words.push(match *word {
                "$TENANT" => tenant.clone(),
                "$EVENT" => {
                    let dead = "SELECT id::text AS finding FROM webhook_events WHERE status = 'dead_letter' LIMIT 1";
                    database.text(dead).await
                }
                word => word.to_owned(),
            });
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = self.stage.deployment.command(&words);
        command.env("PARLEY_AMQP_URL", "amqp://127.0.0.1:1/%2f");
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "parley {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Looks until what the runbook shows holds all of this.
    async fn shows(&self, alert: &str, causes: &[&str]) {
        let start = Instant::now();
        loop {
            let seen = self.look(alert).await;
            if causes.iter().all(|cause| seen.contains(cause)) {
                return;
            }
            assert!(start.elapsed() < LIMIT, "{alert}: the runbook's commands do not show {causes:?}:\n{seen}");
            self.prometheus.judged_again().await;
        }
    }

    async fn end(self) {
        let Self { stage, api, worker, .. } = self;
        stage.strike(std::iter::once(api).chain(worker)).await;
    }
}

async fn answer(client: &Client, path: &str) -> String {
    match client.try_send(Method::GET, path, None).await {
        Ok(answer) => answer.text,
        Err(_) => "(no answer)".to_owned(),
    }
}
