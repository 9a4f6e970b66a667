//! For each alert: a real fault makes the alert's expression true in a real Prometheus, and the runbook's commands show
//! the cause. `promtool test rules` tests the durations.

mod access;
mod processing;
mod webhooks;

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use crate::kit::client::Client;
use crate::kit::deploy_files::RunbookSection;
use crate::kit::deployment::{Deployment, Server};
use crate::kit::fault_setup::FaultSetup;
use crate::kit::prometheus::Prometheus;
use crate::kit::{service_control, wait};

/// Some gauges are measured every ten seconds, and other tests run in parallel.
const LIMIT: Duration = Duration::from_mins(2);

/// A deployment of two processes and the Prometheus that scrapes it.
struct Watched {
    setup: FaultSetup,
    api: Server,
    /// `None` after shutdown.
    worker: Option<Server>,
    prometheus: Prometheus,
}

impl Watched {
    /// Starts the deployment and waits until no alert is raised.
    async fn begin(settings: impl FnOnce(Deployment) -> Deployment) -> Self {
        let mut setup = FaultSetup::with(settings).await;
        let api = setup.serve_as("api,relay,scheduler").await;
        let worker = setup.serve_as("worker").await;
        setup.send_to(&[&api]);
        let prometheus = Prometheus::watch(&[("parley-api", &api), ("parley-worker", &worker)]).await;
        let watched = Self { setup, api, worker: Some(worker), prometheus };
        watched.wait_for("parley_queue_consumers > 0").await;
        wait::within(LIMIT, "no alert to be raised", async || {
            watched.prometheus.all_raised().await.is_empty().then_some(())
        })
        .await;
        watched
    }

    /// Waits until a query returns a result.
    async fn wait_for(&self, query: &str) {
        let seen = async || (!self.prometheus.query(query).await.is_empty()).then_some(());
        wait::within(LIMIT, query, seen).await;
    }

    /// Repeats a fault until an alert is raised that was not raised before; checks its annotations.
    async fn assert_raises(&self, alert: &str, fault: impl AsyncFn()) {
        assert!(!self.prometheus.raised(alert).await, "{alert} is raised before there is a fault");
        self.assert_raised(alert, fault).await;
    }

    /// Repeats a fault until an alert is raised. An earlier fault or a busy machine may have raised it already.
    async fn assert_raised(&self, alert: &str, fault: impl AsyncFn()) {
        let start = Instant::now();
        loop {
            fault().await;
            self.prometheus.wait_for_evaluation().await;
            if self.prometheus.raised(alert).await {
                break;
            }
            assert!(start.elapsed() < LIMIT, "{alert} is not raised; {:?} are", self.prometheus.all_raised().await);
        }
        let text = self.prometheus.annotations(alert).await.to_string();
        assert!(!text.contains("error expanding") && !text.contains("no value"), "{alert}: {text}");
    }

    /// The output of all commands in the runbook section.
    async fn runbook_output(&self, alert: &str) -> String {
        let paragraph = RunbookSection::of(alert);
        let mut seen = String::new();
        for query in paragraph.queries() {
            let rows = format!("SELECT coalesce(jsonb_agg(to_jsonb(rows)), '[]')::text AS finding FROM ({query}) rows");
            seen.push_str(&self.setup.deployment.database.text(&rows).await);
        }
        for command in paragraph.commands() {
            seen.push_str(&self.run(command).await);
        }
        seen
    }

    /// Runs one command of the runbook.
    async fn run(&self, command: &str) -> String {
        let alone = command.split(" | ").next().unwrap_or_default();
        if command.starts_with("logs") {
            return self.logs(command);
        }
        let words: Vec<&str> = alone.split_whitespace().collect();
        match words.as_slice() {
            ["parley", arguments @ ..] => self.parley(arguments).await,
            ["rabbitmqctl", arguments @ ..] => {
                let text = service_control::run(&format!("rabbitmq ctl {}", arguments.join(" "))).await;
                // The queues of this deployment, as `<name> <messages> <consumers>;`.
                let ours = text.lines().filter(|line| line.contains(&self.setup.deployment.namespace));
                ours.map(|line| line.replace('\t', " ") + ";\n").collect()
            }
            ["curl", "-s", address] => {
                let path_of = |port: u16| address.strip_prefix(&format!("http://$HOST:{port}"));
                if let Some(path) = path_of(8080) {
                    answer(&self.api.client, path).await
                } else {
                    let path = path_of(9464).expect("a metrics port");
                    answer(&Client::new(format!("http://{}", self.api.metrics_address())), path).await
                }
            }
            _ => panic!("no test support for the runbook command: {command}"),
        }
    }

    /// The log lines that a command selects by message.
    fn logs(&self, command: &str) -> String {
        let message = command.split_once(r#".message == ""#).and_then(|(_, rest)| rest.split_once('"'));
        let lines: Vec<Value> = std::iter::once(&self.api).chain(&self.worker).flat_map(Server::log).collect();
        let chosen = lines.iter().filter(|line| message.is_none_or(|(message, _)| line["message"] == message));
        chosen.map(Value::to_string).collect::<Vec<_>>().join("\n")
    }

    async fn parley(&self, arguments: &[&str]) -> String {
        let database = &self.setup.deployment.database;
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
        let mut command = self.setup.deployment.command(&words);
        command.env("PARLEY_AMQP_URL", "amqp://127.0.0.1:1/%2f");
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "parley {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Waits until the runbook's output contains all of these.
    async fn assert_shows(&self, alert: &str, causes: &[&str]) {
        let start = Instant::now();
        loop {
            let seen = self.runbook_output(alert).await;
            if causes.iter().all(|cause| seen.contains(cause)) {
                return;
            }
            assert!(start.elapsed() < LIMIT, "{alert}: the runbook's commands do not show {causes:?}:\n{seen}");
            self.prometheus.wait_for_evaluation().await;
        }
    }

    async fn end(self) {
        let Self { setup, api, worker, .. } = self;
        setup.shut_down(std::iter::once(api).chain(worker)).await;
    }
}

async fn answer(client: &Client, path: &str) -> String {
    match client.try_send(Method::GET, path, None).await {
        Ok(answer) => answer.text,
        Err(_) => "(no answer)".to_owned(),
    }
}
