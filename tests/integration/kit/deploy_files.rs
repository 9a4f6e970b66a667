//! Files below `deploy/`: Prometheus rules, dashboards, and the runbook.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

pub(crate) fn deploy(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy")).join(path)
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(deploy(path)).unwrap_or_else(|error| panic!("deploy/{path}: {error}"))
}

/// The rules without comments.
pub(crate) fn rules() -> String {
    let text = read("prometheus/alerts.yml");
    text.split_inclusive('\n').filter(|line| !line.trim_start().starts_with('#')).collect()
}

/// The names of the alerts, in order.
pub(crate) fn alerts() -> Vec<String> {
    rules().lines().filter_map(|line| line.trim().strip_prefix("- alert: ").map(str::to_owned)).collect()
}

/// The dashboards with their file names.
pub(crate) fn dashboards() -> Vec<(String, Value)> {
    let files = fs::read_dir(deploy("grafana/dashboards")).unwrap().map(|file| file.unwrap().path());
    let mut dashboards: Vec<(String, Value)> = files
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let dashboard = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, dashboard)
        })
        .collect();
    dashboards.sort_by(|(one, _), (other, _)| one.cmp(other));
    dashboards
}

/// The runbook's section about an alert.
pub(crate) struct RunbookSection(String);

impl RunbookSection {
    pub(crate) fn of(alert: &str) -> Self {
        let runbook = read("runbook.md");
        let section = runbook.split("\n### ").find(|text| text.lines().next() == Some(alert));
        let text = section.unwrap_or_else(|| panic!("the runbook has no section {alert}"));
        Self(text.split("\n## ").next().unwrap_or_default().to_owned())
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// The SQL queries of the section.
    pub(crate) fn queries(&self) -> Vec<&str> {
        self.blocks("sql").collect()
    }

    /// The shell commands of the section.
    pub(crate) fn commands(&self) -> Vec<&str> {
        self.blocks("console").flat_map(str::lines).filter_map(|line| line.strip_prefix("$ ")).collect()
    }

    fn blocks(&self, language: &str) -> impl Iterator<Item = &str> {
        self.0.split("\n```").filter_map(move |text| text.strip_prefix(language)?.strip_prefix('\n'))
    }
}
