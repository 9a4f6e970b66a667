//! `cargo xtask run`: from nothing to a running server with a demo tenant.

use crate::error::{Context, Result, fail};
use crate::services::docker::Engine;
use crate::services::{self, Service, packages};
use crate::settings::{self, Settings};
use crate::store::Store;
use crate::{checkout, probe, process, signals};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

// What `parley demo` makes.
const TENANT: &str = "demo";
const EMAIL: &str = "owner@demo.example";
const PASSWORD: &str = "parley-demo-password";

pub(crate) fn run() -> Result {
    let mut store = Store::of_checkout()?;
    packages::ensure_build_needs()?;

    // Before the build, which takes minutes: what cannot be had is said at once.
    let engine = Engine::find();
    let mut postgres = services::postgres_for_run(&mut store, &engine)?;
    println!("Postgres is ready ({})", postgres.description());
    let mut rabbitmq = services::rabbitmq_for_run(&mut store, &engine)?;
    println!("RabbitMQ is ready ({})", rabbitmq.description());

    process::run(process::cargo().current_dir(checkout::root()?).args([
        "build",
        "--package",
        "app",
        "--bin",
        "parley",
    ]))?;
    let binary = checkout::target()?.join("debug/parley");
    let settings = settings::write(&mut store, &postgres.url, &rabbitmq.url)?;
    for step in ["migrate", "demo"] {
        process::run(&mut parley(&binary, &settings.file, step))?;
    }
    let outcome = serve(&binary, &settings, &mut [&mut postgres, &mut rabbitmq]);
    println!("stopping what was started; data stays in {}", store.directory().display());
    outcome
}

fn parley(binary: &Path, settings: &Path, step: &str) -> Command {
    let mut command = services::foreground(binary);
    command.arg("--config").arg(settings).arg(step);
    command
}

fn serve(binary: &Path, settings: &Settings, services: &mut [&mut Service]) -> Result {
    // In a process group of its own, so that Ctrl-C reaches it once, from us, and not a second time from the terminal:
    // a server may take the second signal for impatience and drop what it has in hand.
    let mut command = parley(binary, &settings.file, "serve");
    let spawned = command.stdin(Stdio::null()).process_group(0).spawn();
    let mut server = spawned.context(|| format!("cannot start {}", binary.display()))?;
    let outcome = watch(&mut server, binary, settings, services);
    // Graceful shutdown takes up to 25 s.
    process::end(&mut server, rustix::process::Signal::TERM, Duration::from_secs(30));
    if signals::interrupted() { Ok(()) } else { outcome }
}

/// Returns when the server or a service ends, or somebody interrupts.
fn watch(server: &mut Child, binary: &Path, settings: &Settings, services: &mut [&mut Service]) -> Result {
    let mut still_up = |server: &mut Child| -> Result {
        if let Some(how) = services.iter_mut().find_map(|service| service.ended()) {
            return fail(how);
        }
        match server.try_wait().context(|| "cannot wait for the server".to_owned())? {
            Some(status) => fail(format!("the server ended ({status})")),
            None => Ok(()),
        }
    };
    let port = settings.http_port;
    let ready = signals::wait_for(Duration::from_mins(1), || {
        still_up(server)?;
        Ok((probe::http_status(port, "/readyz") == Some(200)).then_some(()))
    })?;
    match ready {
        Some(()) => println!("{}", what_to_try(binary, settings)),
        None => {
            println!("the server is not ready yet; http://127.0.0.1:{port}/readyz says what it waits for");
        }
    }
    loop {
        // In slices, because a wait needs an end.
        signals::wait_for(Duration::from_hours(1), || still_up(server).map(|()| None::<()>))?;
    }
}

fn what_to_try(binary: &Path, settings: &Settings) -> String {
    let address = format!("http://127.0.0.1:{}", settings.http_port);
    let binary: PathBuf = checkout::relative(binary);
    format!(
        r#"
listening on {address}

demo login: tenant {TENANT}, {EMAIL}, {PASSWORD}

log in:
  curl -s {address}/auth/login -H 'X-Tenant-ID: {TENANT}' -H 'Content-Type: application/json' -d '{{"email":"{EMAIL}","password":"{PASSWORD}"}}'

receive a WhatsApp message (signs a sample delivery and shows the conversation it became):
  {} --config {} whatsapp send-sample --tenant {TENANT} --email {EMAIL} --password {PASSWORD} --text 'Hello from a customer'

Ctrl-C stops everything that was started; data stays for the next run.
"#,
        binary.display(),
        settings.file.display(),
    )
}
