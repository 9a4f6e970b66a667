//! The containers of `cargo xtask run`. They carry a label, by which what a killed run left is found and removed.

use super::docker::docker;
use crate::error::{Result, fail};
use crate::{checkout, process, signals};
use std::process::Command;
use std::time::Duration;

/// The value is the checkout.
const LABEL: &str = "parley.dev";

/// A container of `cargo xtask run`, stopped and removed when dropped; its data stays in a volume of the same name.
#[derive(Debug)]
pub(crate) struct Container {
    name: String,
    service: &'static str,
}

impl Container {
    pub(super) fn new(service: &'static str) -> Result<Self> {
        Ok(Self { name: format!("parley-dev-{}-{service}", checkout::hash()?), service })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn start(&mut self, image: &str, publish: &str, data: &str, variables: &[(&str, &str)]) -> Result {
        // Left over from a run that was killed.
        self.remove();
        let label = format!("{LABEL}={}", checkout::hash()?);
        process::output(&mut docker(&["volume", "create", "--label", &label, &self.name]))?;
        let mount = format!("{}:{data}", self.name);
        // RabbitMQ names its data after the host.
        let mut command = docker(&["run", "--detach", "--name", &self.name, "--hostname", self.service]);
        command.args(["--label", &label, "--publish", publish, "--volume", &mount]);
        for (name, value) in variables {
            // By name only: the value would stand in the process list.
            command.args(["--env", name]).env(name, value);
        }
        process::output_within(command.arg(image), Duration::from_mins(2)).map(drop)
    }

    pub(super) fn wait_until<T>(&self, mut ready: impl FnMut() -> Option<T>) -> Result<T> {
        let answer = signals::wait_for(Duration::from_mins(2), || match ready() {
            Some(answer) => Ok(Some(answer)),
            None if self.is_running() => Ok(None),
            None => fail(format!("the container {} ended:\n{}", self.name, self.log())),
        })?;
        match answer {
            Some(answer) => Ok(answer),
            None => fail(format!("the container {} was not ready after 2 min:\n{}", self.name, self.log())),
        }
    }

    fn is_running(&self) -> bool {
        let mut asked = docker(&["container", "inspect", "--format", "{{.State.Running}}", &self.name]);
        process::output(&mut asked).is_ok_and(|answer| answer.trim() == "true")
    }

    fn log(&self) -> String {
        let script = "docker logs --tail 15 \"$0\" 2>&1";
        process::output(Command::new("sh").args(["-c", script, &self.name])).unwrap_or_default()
    }

    fn remove(&self) {
        remove_containers(std::slice::from_ref(&self.name));
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Stops gracefully (Postgres checkpoints, RabbitMQ closes its files), then removes, with anonymous volumes.
fn remove_containers(names: &[String]) {
    if names.is_empty() {
        return;
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for arguments in [["stop", "--time", "20"].as_slice(), ["rm", "--force", "--volumes"].as_slice()] {
        // Either may find nothing to do; what could not be removed is met again by the next command.
        let _nothing_there = process::output(docker(arguments).args(&names));
    }
}

/// Removes what a killed `cargo xtask run` of this checkout left; with `wipe`, its data too. Whether there was anything.
pub(crate) fn remove_leftovers(wipe: bool) -> Result<bool> {
    let filter = format!("label={LABEL}={}", checkout::hash()?);
    let containers = words(&process::output(&mut docker(&["ps", "--all", "--quiet", "--filter", &filter]))?);
    remove_containers(&containers);
    if wipe {
        let volumes = words(&process::output(&mut docker(&["volume", "ls", "--quiet", "--filter", &filter]))?);
        if !volumes.is_empty() {
            process::output(docker(&["volume", "rm"]).args(&volumes))?;
        }
    }
    Ok(!containers.is_empty())
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}
