//! The figures, as a table for people and as JSON for programs.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// Figures in the order in which they were measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    json: Map<String, Value>,
    rows: Vec<[String; 4]>,
}

impl Report {
    /// Adds a figure under its name. A row says what was measured, what came out, the baseline, and the ratio of the two.
    pub(crate) fn add(&mut self, name: &str, value: Value, rows: impl IntoIterator<Item = [String; 4]>) {
        for row in rows {
            eprintln!("    {}", row.join("  |  "));
            self.rows.push(row);
        }
        self.json.insert(name.to_owned(), value);
    }

    pub(crate) fn json(&self) -> Value {
        Value::Object(self.json.clone())
    }

    /// A table in Markdown.
    pub(crate) fn table(&self) -> String {
        let head = ["figure", "measured", "baseline", "ratio"].map(str::to_owned);
        let rows: Vec<&[String; 4]> = std::iter::once(&head).chain(&self.rows).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let widths = [0, 1, 2, 3].map(width);
        let mut text = String::new();
        for (place, row) in rows.iter().enumerate() {
            let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            // Writing to a String cannot fail.
            let _written = writeln!(text, "| {} |", cells.join(" | "));
            if place == 0 {
                let lines: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
                let _written = writeln!(text, "| {} |", lines.join(" | "));
            }
        }
        text
    }
}

/// A row of a figure without a baseline.
pub(crate) fn plain(name: &str, measured: String) -> [String; 4] {
    [name.to_owned(), measured, String::new(), String::new()]
}

/// A number with two decimals: more cannot be measured.
pub(crate) fn rounded(number: f64) -> Value {
    json!((number * 100.0).round() / 100.0)
}
