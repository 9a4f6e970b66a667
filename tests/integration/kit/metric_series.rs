//! Metric series by name and labels, in Prometheus' text format and in queries.

use std::collections::BTreeMap;

/// `name{label="value",...}`: one series in the text format, a selector in a query.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) labels: Vec<Label>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Label {
    pub(crate) name: String,
    /// `=`, `!=`, `=~` or `!~`
    pub(crate) operator: String,
    pub(crate) value: String,
}

impl Label {
    /// The values that the matcher names; for a pattern, its literal alternatives.
    pub(crate) fn values(&self) -> Vec<&str> {
        if self.operator.ends_with('~') {
            self.value.split('|').filter(|word| !word.contains(['.', '*', '+', '[', '('])).collect()
        } else {
            vec![&self.value]
        }
    }
}

/// The labels of each exported series, by metric name.
pub(crate) fn exported(text: &str) -> BTreeMap<String, Vec<Vec<Label>>> {
    let mut all: BTreeMap<String, Vec<Vec<Label>>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some((series, _)) = first(line) {
            all.entry(series.name).or_default().push(series.labels);
        }
    }
    all
}

/// The selectors of Parley's metrics in a query.
pub(crate) fn selected(query: &str) -> Vec<Series> {
    let mut found = Vec::new();
    let mut rest = query;
    while let Some(start) = rest.find("parley_") {
        let (before, from) = rest.split_at(start);
        let Some((series, after)) = first(from) else { break };
        // Skip the end of a longer word and job names of alerts.
        if !before.ends_with(|last: char| last.is_alphanumeric() || last == '_' || last == ':') {
            found.push(series);
        }
        rest = after;
    }
    found
}

/// The labels that a query groups by.
pub(crate) fn grouped_by(query: &str) -> Vec<&str> {
    let lists = query.split("by (").skip(1).filter_map(|rest| rest.split_once(')'));
    lists.flat_map(|(list, _)| list.split(',').map(str::trim)).collect()
}

/// The series at the start of a text, and the rest of the text.
fn first(text: &str) -> Option<(Series, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    if name.is_empty() {
        return None;
    }
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, quoted) = rest.split_once('"')?;
            let (value, after) = quoted.split_once('"')?;
            let operator = label.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
            labels.push(Label {
                name: label.trim_end_matches(operator).to_owned(),
                operator: operator.to_owned(),
                value: value.to_owned(),
            });
            rest = after.trim_start_matches([',', ' ']);
        }
        rest = &rest[1..];
    }
    Some((Series { name: name.to_owned(), labels }, rest))
}
