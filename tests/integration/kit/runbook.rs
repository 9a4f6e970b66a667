//! What is below `deploy/`: the rules of Prometheus, the dashboards, and the runbook as somebody reads it who was woken.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

pub(crate) fn deploy(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy")).join(path)
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(deploy(path)).unwrap_or_else(|error| panic!("deploy/{path}: {error}"))
}

/// The rules without their comments.
pub(crate) fn rules() -> String {
    let text = read("prometheus/alerts.yml");
    text.split_inclusive('\n').filter(|line| !line.trim_start().starts_with('#')).collect()
}

/// The names of the alerts, in order.
pub(crate) fn alerts() -> Vec<String> {
    rules().lines().filter_map(|line| line.trim().strip_prefix("- alert: ").map(str::to_owned)).collect()
}

/// The dashboards, by the names of their files.
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

/// What the runbook says of an alert.
pub(crate) struct Paragraph(String);

impl Paragraph {
    pub(crate) fn of(alert: &str) -> Self {
        let runbook = read("runbook.md");
        let paragraph = runbook.split("\n### ").find(|text| text.lines().next() == Some(alert));
        let text = paragraph.unwrap_or_else(|| panic!("the runbook says nothing of {alert}"));
        Self(text.split("\n## ").next().unwrap_or_default().to_owned())
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// What it wants to be asked of the database.
    pub(crate) fn queries(&self) -> Vec<&str> {
        self.blocks("sql").collect()
    }

    /// The commands that it wants to be run.
    pub(crate) fn commands(&self) -> Vec<&str> {
        self.blocks("console").flat_map(str::lines).filter_map(|line| line.strip_prefix("$ ")).collect()
    }

    fn blocks(&self, language: &str) -> impl Iterator<Item = &str> {
        self.0.split("\n```").filter_map(move |text| text.strip_prefix(language)?.strip_prefix('\n'))
    }
}
