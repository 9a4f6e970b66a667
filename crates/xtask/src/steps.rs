//! What a command that takes several steps shows of them: one line a step, with a tick and the time it took. What a step
//! prints goes to a log, whose end is shown if the step fails.

use crate::error::{Context, Error, Result};
use crate::process;
use indicatif::{ProgressBar, ProgressStyle};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{IsTerminal as _, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How much of the log a failed step shows.
const SHOWN_LINES: usize = 15;

#[derive(Debug)]
pub(crate) struct Steps {
    log: PathBuf,
    started: Instant,
}

impl Steps {
    /// Begins a new log.
    pub(crate) fn new(log: PathBuf) -> Result<Self> {
        File::create(&log).context(|| format!("cannot write {}", log.display()))?;
        Ok(Self { log, started: Instant::now() })
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// A command whose output goes to the log.
    pub(crate) fn command(&self, command: &mut Command) -> Result {
        let start = self.end_of_log()?;
        let outcome = process::run(command.stdout(self.open()?).stderr(self.open()?));
        outcome.map_err(|cause| self.with_log(&cause, start))
    }

    /// `cargo build` with these arguments; `progress` advances by the packages that are ready.
    pub(crate) fn build(&self, cargo: &mut Command, packages: u64, progress: &Progress) -> Result {
        let start = self.end_of_log()?;
        progress.expect(packages);
        let mut seen = BTreeSet::new();
        cargo.args(["--message-format", "json-render-diagnostics"]).stderr(self.open()?);
        let outcome = process::run_with_lines(cargo, |line| {
            if let Some(package) = package_of(line)
                && seen.insert(package.clone())
            {
                progress.advance(&package);
            }
        });
        outcome.map_err(|cause| self.with_log(&cause, start))
    }

    /// The log, for what goes on writing to it.
    pub(crate) fn open(&self) -> Result<File> {
        let opened = OpenOptions::new().append(true).open(&self.log);
        opened.context(|| format!("cannot write {}", self.log.display()))
    }

    fn end_of_log(&self) -> Result<u64> {
        Ok(self.open()?.metadata().context(|| format!("cannot read {}", self.log.display()))?.len())
    }

    /// A cause together with what the log says since `start`.
    fn with_log(&self, cause: &Error, start: u64) -> Error {
        let mut text = String::new();
        let read = File::open(&self.log).and_then(|mut log| {
            log.seek(SeekFrom::Start(start))?;
            log.read_to_string(&mut text)
        });
        let lines: Vec<&str> = if read.is_ok() { text.lines().collect() } else { Vec::new() };
        let last = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
        format!("{cause}; the end of {}:\n{}", self.log.display(), last.join("\n")).into()
    }
}

/// Runs one step and prints its line. `work` may say how far it is, and what to add to the line.
pub(crate) fn step<T>(name: &str, work: impl FnOnce(&Progress) -> Result<T>) -> Result<T> {
    let progress = Progress::start(name);
    let started = Instant::now();
    let outcome = work(&progress);
    progress.bar.finish_and_clear();
    let (mark, note) =
        if outcome.is_ok() { ('\u{2714}', progress.note.into_inner()) } else { ('\u{2718}', String::new()) };
    let name = if note.is_empty() { name.to_owned() } else { format!("{name} ({note})") };
    println!("  {mark} {name:<48} {:>6.1} s", started.elapsed().as_secs_f64());
    outcome
}

/// How far a step is. Drawn on a terminal only; elsewhere a line says that a long step has begun.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    note: RefCell<String>,
}

impl Progress {
    fn start(name: &str) -> Self {
        if !std::io::stdout().is_terminal() {
            return Self { bar: ProgressBar::hidden(), note: RefCell::default() };
        }
        let bar = ProgressBar::new_spinner().with_message(name.to_owned());
        bar.set_style(style("  {spinner} {msg} {elapsed}"));
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar, note: RefCell::default() }
    }

    /// Stands behind the name of the step when it is done.
    pub(crate) fn note(&self, note: String) {
        *self.note.borrow_mut() = note;
    }

    /// The step takes long: so many parts.
    fn expect(&self, total: u64) {
        if self.bar.is_hidden() {
            println!("  \u{2026} {total} packages, of which some may be ready");
            // What is not shown now comes too late.
            let _flushed = std::io::stdout().flush();
            return;
        }
        self.bar.set_style(style("  {spinner} {msg} {wide_bar} {pos}/{len} {elapsed}"));
        self.bar.set_length(total);
    }

    fn advance(&self, what: &str) {
        // The total was counted before cargo decided what to build.
        self.bar.set_length(self.bar.length().unwrap_or_default().max(self.bar.position() + 1));
        self.bar.inc(1);
        self.bar.set_message(format!("compiling {what}"));
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// The package that a line of cargo's JSON says is ready.
fn package_of(line: &str) -> Option<String> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    if message["reason"] != "compiler-artifact" {
        return None;
    }
    // `registry+https://...#serde@1.0.0`, `path+file:///...#kernel@0.1.0`, `path+file:///.../kernel#0.1.0`
    let id = message["package_id"].as_str()?;
    let (place, name) = id.rsplit_once('#')?;
    let name = if name.contains('@') { name } else { place.rsplit('/').next()? };
    Some(name.replace('@', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read_from_cargo_messages() {
        let line = r#"{"reason":"compiler-artifact","package_id":"registry+https://x#serde@1.0.2"}"#;
        assert_eq!(package_of(line).as_deref(), Some("serde 1.0.2"));
        let line = r#"{"reason":"compiler-artifact","package_id":"path+file:///p/crates/kernel#0.1.0"}"#;
        assert_eq!(package_of(line).as_deref(), Some("kernel"));
        assert_eq!(package_of(r#"{"reason":"build-finished","success":true}"#), None);
    }

    #[test]
    fn failed_command_shows_the_end_of_its_log() {
        let log = std::env::temp_dir().join(format!("parley-steps-{}", std::process::id()));
        let steps = Steps::new(log.clone()).unwrap();
        steps.command(Command::new("echo").arg("an earlier step")).unwrap();
        let mut failing = Command::new("sh");
        let error = steps.command(failing.args(["-c", "echo the disk is full; exit 1"])).unwrap_err().to_string();
        assert!(error.contains("the disk is full") && !error.contains("an earlier step"), "{error}");
        std::fs::remove_file(log).unwrap();
    }
}
