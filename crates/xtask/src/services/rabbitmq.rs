//! A private RabbitMQ: its own node, ports, data directory, cookie and user, beside whatever else runs here.

use super::packages;
use super::private::{self, Account, Daemon};
use super::service::{Backing, Service};
use crate::error::{Result, fail};
use crate::store::Store;
use crate::{ports, probe, process, random};
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) const OLDEST: [u32; 2] = [3, 10];
/// Erlang's.
const VIRTUAL_MACHINE: &str = "beam.smp";
const ENVIRONMENT: &str = "rabbitmq-env.conf";

pub(super) fn start(store: &mut Store) -> Result<Service> {
    let home = store.directory().join("rabbitmq");
    stop_leftover(store.directory());
    let program = program()?;
    let account = Account::named("rabbitmq")?;
    let password = store.get_or("amqp_password", random::password)?;
    let port = ports::choose(store, "amqp_port", None)?;
    let distribution_port = ports::choose(store, "amqp_distribution_port", None)?;
    let [mnesia, logs] = ["mnesia", "logs"].map(|name| home.join(name));
    for directory in [&home, &mnesia, &logs] {
        account.directory(directory)?;
    }
    let [configuration, plugins, environment] =
        ["rabbitmq.conf", "enabled_plugins", ENVIRONMENT].map(|name| home.join(name));
    account.file(&configuration, &configuration_text(port, &password))?;
    account.file(&plugins, "[].\n")?;
    // Exists and is empty, so that the one in /etc does not speak for us.
    account.file(&environment, "")?;

    let mut command = account.command(&program, &home, "TERM");
    command
        .env("RABBITMQ_NODENAME", node_name(store.directory()))
        .env("RABBITMQ_DIST_PORT", distribution_port.to_string())
        .env("RABBITMQ_MNESIA_BASE", &mnesia)
        .env("RABBITMQ_LOG_BASE", &logs)
        .env("RABBITMQ_LOGS", "-")
        .env("RABBITMQ_CONFIG_FILE", &configuration)
        .env("RABBITMQ_CONF_ENV_FILE", &environment)
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", &plugins)
        // The port mapper is shared by all Erlang nodes of a machine: if ours is the first to need it, it stays on
        // loopback, and no command stops it.
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        // The first argument means nothing to Erlang; by it a left-over is recognized as ours.
        .env(
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            format!("-parley {} -kernel inet_dist_use_interface {{127,0,0,1}}", home.display()),
        );
    let mut daemon = Daemon::start("RabbitMQ", &mut command, Signal::TERM, &home.join("log"))?;
    let version = daemon.wait_until(Duration::from_mins(2), || probe::rabbitmq(port))?;
    check_version(&version)?;
    let url = format!("amqp://parley:{password}@127.0.0.1:{port}/%2f");
    Ok(Service { url, backing: Backing::Daemon(daemon) })
}

pub(crate) fn check_version(version: &str) -> Result {
    let [major, minor] = OLDEST;
    if probe::at_least(version, OLDEST) {
        Ok(())
    } else {
        fail(format!("Parley needs RabbitMQ {major}.{minor} or newer (it relies on quorum queues); this is {version}"))
    }
}

/// The user and password are read when the data directory is new, and kept in it from then on.
fn configuration_text(port: u16, password: &str) -> String {
    format!("listeners.tcp.1 = 127.0.0.1:{port}\ndefault_user = parley\ndefault_pass = {password}\n")
}

/// `localhost` instead of the host's name: that may not resolve, and may change under the data.
fn node_name(directory: &Path) -> String {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    format!("parley-{name}@localhost")
}

/// Runs `rabbitmqctl` on the private node.
pub(super) fn control(store: &Store, arguments: &[&str]) -> Result<String> {
    let home = store.directory().join("rabbitmq");
    let program = program()?.with_file_name("rabbitmqctl");
    let mut command = Account::named("rabbitmq")?.command(&program, &home, "KILL");
    command
        .env("RABBITMQ_NODENAME", node_name(store.directory()))
        .env("RABBITMQ_CONF_ENV_FILE", home.join(ENVIRONMENT))
        .args(arguments);
    process::output(&mut command)
}

pub(super) fn kill(directory: &Path) {
    for pid in process::using(VIRTUAL_MACHINE, &directory.join("rabbitmq")) {
        process::signal(pid, Signal::KILL);
    }
}

pub(super) fn stop_leftover(directory: &Path) -> bool {
    private::stop_leftover(VIRTUAL_MACHINE, &directory.join("rabbitmq"), Signal::TERM)
}

/// The script behind Debian's wrapper: the wrapper insists on its own user and directory.
fn program() -> Result<PathBuf> {
    if let Some(program) = installed() {
        return Ok(program);
    }
    let otherwise = "; or set AMQP_URL; or start a Docker engine";
    packages::install(&["rabbitmq-server"], "RabbitMQ 3.10 or newer", otherwise)?;
    match installed() {
        Some(program) => Ok(program),
        None => fail("the package rabbitmq-server has no /usr/lib/rabbitmq/bin/rabbitmq-server; set AMQP_URL instead"),
    }
}

fn installed() -> Option<PathBuf> {
    let debian = PathBuf::from("/usr/lib/rabbitmq/bin/rabbitmq-server");
    if debian.is_file() { Some(debian) } else { process::find("rabbitmq-server") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_brokers_are_refused_with_a_sentence() {
        assert!(check_version("3.10.8").is_ok());
        assert!(check_version("3.9.27").unwrap_err().to_string().contains("this is 3.9.27"));
    }

    #[test]
    fn each_data_directory_has_its_own_node() {
        assert_eq!(node_name(Path::new("/var/lib/parley-dev/abc")), "parley-abc@localhost");
        assert_ne!(node_name(Path::new("/x/abc-test-7")), node_name(Path::new("/x/abc")));
    }
}
