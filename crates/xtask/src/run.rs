//! `cargo xtask run`: from nothing to a running server with a demo tenant.

use crate::error::{Context, Result, fail};
use crate::sandbox::Sandbox;
use crate::services::docker::Engine;
use crate::services::{self, Service, packages};
use crate::settings::{self, Settings};
use crate::steps::{Progress, Steps, step};
use crate::store::Store;
use crate::{checkout, probe, process, sandbox, signals};
use std::collections::BTreeSet;
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
    let steps = Steps::new(store.directory().join("run.log"))?;
    println!("Starting Parley. Details go to {}", steps.log().display());
    step("Compiler and OpenSSL headers", |_| packages::ensure_build_needs())?;

    // Before the build, which takes minutes: what cannot be had is said at once.
    let engine = Engine::find();
    let mut postgres =
        step("PostgreSQL", |progress| described(progress, services::postgres_for_run(&mut store, &engine)))?;
    let mut rabbitmq =
        step("RabbitMQ", |progress| described(progress, services::rabbitmq_for_run(&mut store, &engine)))?;
    step("Compiling parley (minutes, the first time)", |progress| {
        let mut cargo = process::cargo();
        cargo.current_dir(checkout::root()?).arg("build");
        cargo.args(["--package", "app", "--bin", "parley", "--package", "sandbox", "--bin", "parley-sandbox"]);
        steps.build(&mut cargo, packages_of(&["app", "sandbox"])?, progress)
    })?;
    let binary = checkout::target()?.join("debug/parley");
    let settings = settings::write(&mut store, &postgres.url, &rabbitmq.url)?;
    let mut phone = step("Sandbox, the stand-in for Meta", |_| {
        Sandbox::start(&checkout::target()?.join("debug/parley-sandbox"), &settings, &steps)
    })?;
    for (name, subcommand) in [("Migrations", "migrate"), ("Demo tenant", "demo")] {
        step(name, |_| steps.command(&mut parley(&binary, &settings.file, subcommand)))?;
    }
    step("Access token of the demo number", |_| {
        let mut command = parley(&binary, &settings.file, "whatsapp");
        command.args(["set-token", "--tenant", TENANT, "--number", sandbox::PHONE_NUMBER_ID]);
        // Everyone on the machine can read arguments.
        steps.command(command.env("PARLEY_ACCESS_TOKEN", &settings.sandbox.token))
    })?;
    let account = demo_account(&binary, &settings)?;
    let mut ended = || postgres.ended().or_else(|| rabbitmq.ended()).or_else(|| phone.ended());
    let outcome = serve(&binary, &settings, &account, &steps, &mut ended);
    println!("Stopping what was started; data stays in {}", store.directory().display());
    outcome
}

fn described(progress: &Progress, started: Result<Service>) -> Result<Service> {
    started.inspect(|service| progress.note(service.description()))
}

/// How many packages these crates are built from, themselves included.
fn packages_of(names: &[&str]) -> Result<u64> {
    let mut command = process::cargo();
    command.current_dir(checkout::root()?);
    command.args(["tree", "--quiet", "--edges", "normal,build", "--prefix", "none"]);
    command.args(names.iter().flat_map(|name| ["--package", name]));
    let tree = process::output(command.args(["--format", "{p}", "--no-dedupe"]))?;
    let packages: BTreeSet<&str> = tree.lines().map(|line| line.trim_end_matches(" (proc-macro)")).collect();
    Ok(packages.len() as u64)
}

fn parley(binary: &Path, settings: &Path, step: &str) -> Command {
    let mut command = services::foreground(binary);
    command.arg("--config").arg(settings).arg(step);
    command
}

fn serve(
    binary: &Path,
    settings: &Settings,
    account: &str,
    steps: &Steps,
    ended: &mut dyn FnMut() -> Option<String>,
) -> Result {
    // In a process group of its own, so that Ctrl-C reaches it once, from us, and not a second time from the terminal:
    // a server may take the second signal for impatience and drop the requests that it works on.
    let mut command = parley(binary, &settings.file, "serve");
    command.stdin(Stdio::null()).stdout(steps.open()?).stderr(steps.open()?).process_group(0);
    let mut server = command.spawn().context(|| format!("cannot start {}", binary.display()))?;
    let outcome = watch(&mut server, &what_to_try(binary, settings, account, steps), settings, steps, ended);
    // Graceful shutdown takes up to 25 s.
    process::end(&mut server, rustix::process::Signal::TERM, Duration::from_secs(30));
    if signals::interrupted() { Ok(()) } else { outcome }
}

/// Returns when the server ends, or another process of which `ended` tells, or the command is interrupted.
fn watch(
    server: &mut Child,
    what_to_try: &str,
    settings: &Settings,
    steps: &Steps,
    ended: &mut dyn FnMut() -> Option<String>,
) -> Result {
    let log = steps.log().display().to_string();
    let mut still_up = |server: &mut Child| -> Result {
        if let Some(how) = ended() {
            return fail(how);
        }
        match server.try_wait().context(|| "cannot wait for the server".to_owned())? {
            Some(status) => fail(format!("the server ended ({status}); the last lines of {log} say why")),
            None => Ok(()),
        }
    };
    let port = settings.http_port;
    step("Server ready", |_| {
        let ready = signals::wait_for(Duration::from_mins(1), || {
            still_up(server)?;
            Ok((probe::http_status(port, "/readyz") == Some(200)).then_some(()))
        })?;
        match ready {
            Some(()) => Ok(()),
            None => fail(format!(
                "the server was not ready after a minute; http://127.0.0.1:{port}/readyz says what it waits for, {log} why"
            )),
        }
    })?;
    // The time that it took is known only now.
    println!(
        "\nParley runs after {:.0} s: listening on http://127.0.0.1:{port}\n{what_to_try}",
        steps.elapsed().as_secs_f64()
    );
    loop {
        // In slices, because a wait needs an end.
        signals::wait_for(Duration::from_hours(1), || still_up(server).map(|()| None::<()>))?;
    }
}

/// The id of the demo number's account.
fn demo_account(binary: &Path, settings: &Settings) -> Result<String> {
    let list = process::output(parley(binary, &settings.file, "whatsapp").arg("list"))?;
    let number = format!("number {} ", sandbox::PHONE_NUMBER_ID);
    let account = list.lines().find(|line| line.contains(&number)).and_then(|line| line.split_whitespace().next());
    account.map_or_else(|| fail("the demo number is not connected".to_owned()), |account| Ok(account.to_owned()))
}

fn what_to_try(binary: &Path, settings: &Settings, account: &str, steps: &Steps) -> String {
    let address = format!("http://127.0.0.1:{}", settings.http_port);
    let binary: PathBuf = checkout::relative(binary);
    let log_in = format!(
        r#"curl -s {address}/auth/login -H 'X-Tenant-ID: {TENANT}' -H 'Content-Type: application/json' -d '{{"email":"{EMAIL}","password":"{PASSWORD}"}}'"#
    );
    format!(
        r#"
API reference: {address}/docs    guide: {address}/docs/guide    log: {}

demo login: tenant {TENANT}, {EMAIL}, {PASSWORD}

write as a customer, on a phone in the browser: http://127.0.0.1:{}/

answer the customer who has written, and see it on the phone:
  curl -s {address}/crm/messages -H "Authorization: Bearer $({log_in} | sed 's/.*"access_token":"\([^"]*\)".*/\1/')" -H 'Content-Type: application/json' -d '{{"account_id":"{account}","to":{{"phone":"+{}"}},"type":"text","text":{{"body":"Hello from the business"}}}}'

log in:
  {log_in}

receive a WhatsApp message without the phone (signs a sample delivery and shows the conversation it became):
  {} --config {} whatsapp send-sample --tenant {TENANT} --email {EMAIL} --password {PASSWORD} --text 'Hello from a customer'

Ctrl-C stops everything that was started; data stays for the next run.
"#,
        steps.log().display(),
        settings.sandbox.port,
        sandbox::CUSTOMER,
        binary.display(),
        settings.file.display(),
    )
}
