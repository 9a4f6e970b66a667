//! A server process of ours: started as the user it wants, gone when we are, never met by the terminal's Ctrl-C.

use crate::checkout;
use crate::error::{Context, Result, fail};
use crate::process;
use crate::signals;
use crate::store;
use rustix::process::Signal;
use std::fs::{self, File};
use std::os::unix::fs as unix;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The system user a server runs as. Postgres refuses root; as anybody else we run it as ourselves.
#[derive(Debug)]
pub(crate) struct Account(Option<Ids>);

#[derive(Debug, PartialEq)]
struct Ids {
    user: u32,
    group: u32,
}

impl Account {
    /// `name` when we are root, else ourselves.
    pub(crate) fn named(name: &str) -> Result<Self> {
        if !checkout::is_root() {
            return Ok(Self(None));
        }
        let table = fs::read_to_string("/etc/passwd").context(|| "cannot read /etc/passwd".to_owned())?;
        match ids(&table, name) {
            Some(ids) => Ok(Self(Some(ids))),
            None => fail(format!("there is no user `{name}`, which its package should have made")),
        }
    }

    /// A directory that this user alone may enter.
    pub(crate) fn directory(&self, path: &Path) -> Result {
        store::make_directory(path, 0o700)?;
        self.own(path)
    }

    /// A file that this user alone may read.
    pub(crate) fn file(&self, path: &Path, text: &str) -> Result {
        store::write_secret(path, text)?;
        self.own(path)
    }

    fn own(&self, path: &Path) -> Result {
        let Some(ids) = &self.0 else { return Ok(()) };
        let owned = unix::chown(path, Some(ids.user), Some(ids.group));
        owned.context(|| format!("cannot give {} to its server", path.display()))
    }

    /// `program` as this user, with `home` as its home and working directory and nothing of our environment but the
    /// `PATH`: the libraries of both servers read many variables.
    pub(crate) fn command(&self, program: &Path, home: &Path, when_we_die: &str) -> Command {
        let mut command = guarded(program, when_we_die, self.0.as_ref());
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("HOME", home).env("LC_ALL", "C.UTF-8").current_dir(home);
        command
    }
}

fn ids(passwd: &str, name: &str) -> Option<Ids> {
    let mut fields = passwd.lines().map(|line| line.split(':')).find(|line| line.clone().next() == Some(name))?.skip(2);
    Some(Ids { user: fields.next()?.parse().ok()?, group: fields.next()?.parse().ok()? })
}

/// A command whose process gets the signal `when_we_die` from the kernel if we end without stopping it (`kill -9`).
/// Where there is no `setpriv`, such a left-over is found by the next command instead.
fn guarded(program: &Path, when_we_die: &str, ids: Option<&Ids>) -> Command {
    if ids.is_none() && process::find("setpriv").is_none() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    if let Some(Ids { user, group }) = ids {
        command.args([format!("--reuid={user}"), format!("--regid={group}"), "--init-groups".to_owned()]);
    }
    command.arg(format!("--pdeathsig={when_we_die}")).arg("--").arg(program);
    command
}

/// As [`Account::command`] for a program that is to stay what it is: our user, our environment, our terminal.
pub(crate) fn foreground(program: &Path) -> Command {
    guarded(program, "TERM", None)
}

/// A running server; stopped, and waited for, when dropped.
#[derive(Debug)]
pub(crate) struct Daemon {
    name: &'static str,
    child: Child,
    stop: Signal,
    log: PathBuf,
}

impl Daemon {
    /// Starts `command` with its output in `log`. It gets a process group of its own: Ctrl-C in the terminal must reach
    /// it only after the server that depends on it has finished.
    pub(crate) fn start(name: &'static str, command: &mut Command, stop: Signal, log: &Path) -> Result<Self> {
        let file = File::create(log).context(|| format!("cannot write {}", log.display()))?;
        let second = file.try_clone().context(|| format!("cannot write {}", log.display()))?;
        let spawned = command.stdin(Stdio::null()).stdout(file).stderr(second).process_group(0).spawn();
        let child = spawned.context(|| format!("cannot start {name}"))?;
        Ok(Self { name, child, stop, log: log.to_owned() })
    }

    /// Waits until `ready` answers; a server that gives up first fails with the end of its log.
    pub(crate) fn wait_until<T>(&mut self, max_wait: Duration, mut ready: impl FnMut() -> Option<T>) -> Result<T> {
        let answer = signals::wait_for(max_wait, || match self.ended() {
            Some(how) => fail(how),
            None => Ok(ready()),
        })?;
        match answer {
            Some(answer) => Ok(answer),
            None => fail(format!("{} was not ready after {} s{}", self.name, max_wait.as_secs(), self.last_words())),
        }
    }

    pub(crate) fn ended(&mut self) -> Option<String> {
        match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(format!("{} ended ({status}){}", self.name, self.last_words())),
            Err(cause) => Some(format!("{} cannot be watched: {cause}", self.name)),
        }
    }

    /// Ends it by this signal; returns when it is gone.
    pub(crate) fn end_by(mut self, signal: Signal) {
        self.stop = signal;
    }

    fn last_words(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let last = &lines[lines.len().saturating_sub(15)..];
        format!("; the end of its log, {}:\n{}", self.log.display(), last.join("\n"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        process::end(&mut self.child, self.stop, Duration::from_secs(30));
    }
}

/// Ends processes called `name` that use `directory`; whether there were any.
pub(crate) fn stop_leftover(name: &str, directory: &Path, how: Signal) -> bool {
    let pids = process::using(name, directory);
    for pid in &pids {
        eprintln!("stopping process {pid} ({name}), left over from an earlier run");
        process::signal(*pid, how);
    }
    let max_wait = Duration::from_secs(20);
    let start = std::time::Instant::now();
    while pids.iter().any(|pid| process::alive(*pid)) && start.elapsed() < max_wait {
        std::thread::sleep(Duration::from_millis(50));
    }
    // Asked again by name and directory: after 20 s another process may have the id.
    for pid in process::using(name, directory) {
        process::signal(pid, Signal::KILL);
    }
    !pids.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_their_whole_name() {
        let table = "root:x:0:0:root:/root:/bin/bash\npostgres:x:105:111:,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(ids(table, "postgres"), Some(Ids { user: 105, group: 111 }));
        assert_eq!(ids(table, "post"), None);
    }

    #[test]
    fn failed_server_shows_its_log() {
        let log = std::env::temp_dir().join(format!("parley-daemon-{}", std::process::id()));
        let mut command = Command::new("sh");
        command.args(["-c", "echo the disk is full; exit 1"]);
        let mut daemon = Daemon::start("test", &mut command, Signal::TERM, &log).unwrap();
        let error = daemon.wait_until(Duration::from_secs(10), || None::<()>).unwrap_err().to_string();
        assert!(error.contains("the disk is full"), "{error}");
        fs::remove_file(log).unwrap();
    }
}
