//! A private Postgres: its own data directory, user, port and password.

use super::packages;
use super::private::{self, Account, Daemon};
use super::service::{Backing, Service};
use crate::error::{Context, Result, fail};
use crate::process;
use crate::store::Store;
use crate::{ports, probe, random};
use rustix::process::Signal;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a crash of the machine may cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Durability {
    /// Nothing that was committed.
    Kept,
    /// The same; and the server keeps when that was, for those who measure.
    KeptAndTimed,
    /// Everything: the data is deleted after the tests anyway, and they run faster.
    ThrowAway,
}

const OLDEST: u32 = 15;

pub(super) fn start(store: &mut Store, durability: Durability) -> Result<Service> {
    let home = store.directory().join("postgres");
    stop_leftover(store.directory());
    let data = home.join("data");
    let binaries = binaries(made_by(&data))?;
    let account = Account::named("postgres")?;
    account.directory(&home)?;
    let password = store.get_or("postgres_password", random::password)?;
    if !data.exists() {
        initialize(&account, &binaries, &home, &data, &password)?;
    }
    let port = ports::choose(store, "postgres_port", None)?;

    // SIGINT is Postgres' fast shutdown; SIGTERM would wait for clients to leave by themselves.
    let mut command = account.command(&binaries.join("postgres"), &home, "INT");
    command.arg("-D").arg(&data).args(["-p", &port.to_string()]);
    // No socket: the path of one may have 107 bytes, and a checkout can lie deeper than that.
    let mut settings = vec!["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300"];
    match durability {
        Durability::Kept => {}
        Durability::KeptAndTimed => settings.push("track_commit_timestamp=on"),
        Durability::ThrowAway => settings.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off"]),
    }
    for setting in settings {
        command.args(["-c", setting]);
    }
    let mut daemon = Daemon::start("Postgres", &mut command, Signal::INT, &home.join("log"))?;
    daemon.wait_until(Duration::from_mins(1), || probe::postgres(port).then_some(()))?;
    let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
    Ok(Service { url, backing: Backing::Daemon(daemon) })
}

fn initialize(account: &Account, binaries: &Path, home: &Path, data: &Path, password: &str) -> Result {
    // Made beside and renamed, so that an interrupted initdb is never taken for a database.
    let fresh = home.join("data.new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).context(|| format!("cannot delete {}", fresh.display()))?;
    }
    let password_file = home.join("password");
    account.file(&password_file, password)?;
    let mut command = account.command(&binaries.join("initdb"), home, "TERM");
    command.arg("-D").arg(&fresh).arg("--pwfile").arg(&password_file);
    command.args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]);
    process::output(&mut command)?;
    fs::rename(&fresh, data).context(|| format!("cannot rename {}", fresh.display()))
}

pub(super) fn stop_leftover(directory: &Path) -> bool {
    private::stop_leftover("postgres", &directory.join("postgres"), Signal::INT)
}

/// The major version that made the data directory, which no other can open.
fn made_by(data: &Path) -> Option<u32> {
    fs::read_to_string(data.join("PG_VERSION")).ok()?.trim().parse().ok()
}

/// The directory with `postgres` and `initdb`: Debian keeps them off the `PATH`.
fn binaries(wanted: Option<u32>) -> Result<PathBuf> {
    let mut found = installed();
    if !found.iter().any(|(version, _)| *version >= OLDEST) {
        let otherwise = "; or set DATABASE_URL to a superuser's URL; or start a Docker engine";
        packages::install(&["postgresql"], &format!("PostgreSQL {OLDEST} or newer"), otherwise)?;
        found = installed();
    }
    // Stable: of two with one version Debian's own wins.
    found.sort_by_key(|(version, _)| *version);
    let newest = found.iter().rev().map(|(version, _)| version.to_string()).collect::<Vec<_>>().join(", ");
    match pick(found, wanted) {
        Some(directory) => Ok(directory),
        None if wanted.is_some_and(|version| version >= OLDEST) => fail(format!(
            "the data of this checkout was made by PostgreSQL {}, which is no longer installed (there is: {newest}); \
             install it, or start anew with `cargo xtask down --wipe`",
            wanted.unwrap_or_default(),
        )),
        None => fail(format!("Parley needs PostgreSQL {OLDEST} or newer; installed: {newest}")),
    }
}

/// The version that made the data, else the newest that Parley works with. `found` is in ascending order.
fn pick(found: Vec<(u32, PathBuf)>, wanted: Option<u32>) -> Option<PathBuf> {
    let mut fit =
        found.into_iter().filter(|(version, _)| *version >= OLDEST && wanted.is_none_or(|wanted| wanted == *version));
    fit.next_back().map(|(_, directory)| directory)
}

fn installed() -> Vec<(u32, PathBuf)> {
    let debian = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))));
    let on_path = process::find("postgres").and_then(|program| {
        let text = process::output(std::process::Command::new(&program).arg("--version")).ok()?;
        Some((major(&text)?, program.parent()?.to_owned()))
    });
    on_path.into_iter().chain(debian).filter(|(_, directory)| directory.join("initdb").is_file()).collect()
}

/// `postgres (PostgreSQL) 17.2 (Debian ...)` is 17.
fn major(text: &str) -> Option<u32> {
    let number = text.split_once("(PostgreSQL) ")?.1;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(major("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major("mysql 8"), None);
    }

    #[test]
    fn version_of_the_data_wins_over_the_newest() {
        let found = || vec![(14, PathBuf::from("14")), (15, PathBuf::from("15")), (17, PathBuf::from("17"))];
        assert_eq!(pick(found(), None), Some(PathBuf::from("17")));
        assert_eq!(pick(found(), Some(15)), Some(PathBuf::from("15")));
        assert_eq!(pick(found(), Some(16)), None);
        assert_eq!(pick(found()[..1].to_vec(), None), None);
    }
}
