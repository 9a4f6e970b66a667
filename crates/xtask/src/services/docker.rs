//! The Docker engine: whether there is one, and which images it has or can pull.

use crate::error::{Context, Result, fail};
use crate::{process, signals};
use rustix::process::Signal;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// An image, and the environment variable that names another one.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) variable: &'static str,
    official: &'static str,
}

pub(crate) const POSTGRES_FOR_RUN: Image = Image { variable: "PARLEY_POSTGRES_IMAGE", official: "postgres:17" };
pub(crate) const RABBITMQ_FOR_RUN: Image = Image { variable: "PARLEY_RABBITMQ_IMAGE", official: "rabbitmq:4" };
pub(crate) const POSTGRES_FOR_TEST: Image = Image { variable: "PARLEY_TEST_POSTGRES_IMAGE", official: "postgres:17" };
pub(crate) const RABBITMQ_FOR_TEST: Image = Image { variable: "PARLEY_TEST_RABBITMQ_IMAGE", official: "rabbitmq:4" };

impl Image {
    pub(crate) fn name(&self) -> String {
        super::environment::given(self.variable).unwrap_or_else(|| self.official.to_owned())
    }
}

/// What is known about a Docker engine: that it answers, or why there is none.
#[derive(Debug)]
pub(crate) struct Engine {
    absent: Option<String>,
}

/// A `docker` command.
pub(super) fn docker(arguments: &[&str]) -> Command {
    let mut command = Command::new("docker");
    command.args(arguments);
    command
}

impl Engine {
    pub(crate) fn find() -> Self {
        Self { absent: why_absent() }
    }

    pub(crate) fn is_there(&self) -> bool {
        self.absent.is_none()
    }

    /// Whether the engine has the image or can pull it; the error says why not. Quick to say no: a registry that has
    /// not even named the image after 15 s is taken for unreachable.
    pub(crate) fn provides(&self, image: &Image) -> std::result::Result<(), String> {
        if let Some(reason) = &self.absent {
            return Err(reason.clone());
        }
        let name = image.name();
        if has_image(&name) {
            return Ok(());
        }
        pull(&name).map_err(|cause| format!("the image {name} cannot be had: {cause}"))
    }
}

fn why_absent() -> Option<String> {
    if process::find("docker").is_none() {
        return Some("there is no `docker` command".to_owned());
    }
    // Containers publish their ports on the engine's loopback interface, which has to be ours.
    let host = endpoint();
    if host.as_deref().is_some_and(|host| !host.starts_with("unix://")) {
        return Some("the Docker engine is on another machine".to_owned());
    }
    let asked = docker(&["version", "--format", "{{.Server.Version}}"]);
    let answer = process::output_within(&mut { asked }, Duration::from_secs(10));
    answer.err().map(|_| "no Docker engine answers".to_owned())
}

/// Where the engine listens: testcontainers knows `DOCKER_HOST` and the usual socket, but not the CLI's contexts.
pub(crate) fn endpoint() -> Option<String> {
    super::environment::given("DOCKER_HOST").or_else(|| {
        let mut asked = docker(&["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]);
        let answer = process::output_within(&mut asked, Duration::from_secs(10)).ok()?;
        Some(answer.trim().to_owned()).filter(|host| !host.is_empty())
    })
}

pub(crate) fn has_image(name: &str) -> bool {
    process::succeeds(&mut docker(&["image", "inspect", name]))
}

fn pull(name: &str) -> Result {
    let mut command = docker(&["pull", name]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
    let spawned = command.spawn();
    let mut child = spawned.context(|| "cannot start docker".to_owned())?;
    let (send, receive) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        // The first line comes when the registry has answered. Reading on keeps the pipe from filling up.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(io::Result::ok) {
                let _nobody_listens = send.send(line);
            }
        });
    }
    let answered = receive.recv_timeout(Duration::from_secs(15));
    match answered {
        Ok(_) => println!("pulling {name}"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {}
        Err(mpsc::RecvTimeoutError::Timeout) => process::end(&mut child, Signal::TERM, Duration::from_secs(2)),
    }
    let status = process::wait_for_group(&mut child, Duration::from_secs(5))?;
    signals::check()?;
    if status.success() { Ok(()) } else { fail("its registry does not answer or does not have it") }
}
