//! A real Prometheus with the repository's rules.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use url::form_urlencoded::byte_serialize;

use super::client::Client;
use super::deploy_files::deploy;
use super::deployment::{Server, steady_address};
use super::meta::fresh_digits;
use super::wait;

/// Long enough for a machine that compiles at the same time.
const START: Duration = Duration::from_mins(1);

/// Stops when it is dropped.
pub(crate) struct Prometheus {
    child: Child,
    directory: PathBuf,
    client: Client,
}

impl Prometheus {
    /// Scrapes these servers and evaluates the rules each second; each server has a job name.
    pub(crate) async fn watch(targets: &[(&str, &Server)]) -> Self {
        let directory = std::env::temp_dir().join(format!("parley-prometheus-{}", fresh_digits()));
        fs::create_dir_all(&directory).unwrap();
        let configuration = directory.join("prometheus.yml");
        fs::write(&configuration, configured(targets)).unwrap();
        let address = steady_address();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!("--storage.tsdb.path={}", directory.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=warn")
            .stdout(Stdio::null())
            .spawn()
            .expect("Prometheus is installed: `cargo xtask faults` does that");
        let prometheus = Self { child, directory, client: Client::new(format!("http://{address}")) };
        wait::within(START, "Prometheus to start", async || {
            let answer = prometheus.client.try_send(reqwest::Method::GET, "/-/ready", None).await;
            answer.is_ok_and(|answer| answer.status == 200).then_some(())
        })
        .await;
        prometheus
    }

    /// The current result of a query.
    pub(crate) async fn query(&self, query: &str) -> Vec<Value> {
        let encoded: String = byte_serialize(query.as_bytes()).collect();
        let answer = self.client.get(&format!("/api/v1/query?query={encoded}")).await.json(200);
        answer["data"]["result"].as_array().unwrap().clone()
    }

    /// Whether an alert is raised: its expression has a result now, and had one at the last evaluation.
    pub(crate) async fn raised(&self, alert: &str) -> bool {
        let groups = self.groups().await;
        let rule = rules(&groups).find(|rule| rule["name"] == alert).unwrap_or_else(|| panic!("no rule {alert}"));
        assert_ne!(rule["health"], "err", "{rule}");
        rule["state"] != "inactive" && !self.query(rule["query"].as_str().unwrap()).await.is_empty()
    }

    /// The alerts that are pending or firing.
    pub(crate) async fn all_raised(&self) -> Vec<String> {
        let groups = self.groups().await;
        let raised = rules(&groups).filter(|rule| rule["type"] == "alerting" && rule["state"] != "inactive");
        raised.map(|rule| rule["name"].as_str().unwrap().to_owned()).collect()
    }

    /// The annotations of a raised alert.
    pub(crate) async fn annotations(&self, alert: &str) -> Value {
        let groups = self.groups().await;
        let rule = rules(&groups).find(|rule| rule["name"] == alert).unwrap_or_else(|| panic!("no rule {alert}"));
        rule["alerts"][0]["annotations"].clone()
    }

    /// Waits until all rules have been evaluated once more.
    pub(crate) async fn wait_for_evaluation(&self) {
        let before = self.evaluations().await;
        wait::within(START, "the rules to be evaluated", async || {
            let now = self.evaluations().await;
            before.iter().zip(&now).all(|(before, now)| before != now).then_some(())
        })
        .await;
    }

    /// The time of each group's last evaluation.
    async fn evaluations(&self) -> Vec<Value> {
        self.groups().await.iter().map(|group| group["lastEvaluation"].clone()).collect()
    }

    async fn groups(&self) -> Vec<Value> {
        self.client.get("/api/v1/rules").await.json(200)["data"]["groups"].as_array().unwrap().clone()
    }
}

fn rules(groups: &[Value]) -> impl Iterator<Item = &Value> {
    groups.iter().flat_map(|group| group["rules"].as_array().unwrap())
}

fn configured(targets: &[(&str, &Server)]) -> String {
    let rules = deploy("prometheus/alerts.yml").canonicalize().unwrap();
    let jobs: Vec<String> = targets
        .iter()
        .map(|(job, server)| {
            let address = server.metrics_address();
            format!("{{ job_name: {job}, static_configs: [{{ targets: ['{address}'] }}] }}")
        })
        .collect();
    format!(
        "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: ['{}']\nscrape_configs: [{}]\n",
        rules.display(),
        jobs.join(", ")
    )
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}
