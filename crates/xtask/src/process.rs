//! Running other programs: in the foreground, for their output, or with a time limit.

use crate::error::{Context, Result, fail};
use crate::signals;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The same cargo that runs us, without what `cargo run` adds to our environment: build scripts watch some of those
/// variables and would compile again whenever `cargo build` and `cargo xtask` take turns.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let of_this_package = text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_MANIFEST_")
            || ["CARGO", "CARGO_BIN_NAME", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"].contains(&&*text);
        if of_this_package {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs with our terminal, in a process group of its own: cargo would not pass a signal on to the tests it runs, so the
/// whole group is told to stop when we are.
pub(crate) fn run(command: &mut Command) -> Result {
    run_reading(command, |_child| {})
}

/// As [`run`], with standard output handed to `line` instead of the terminal.
pub(crate) fn run_with_lines(command: &mut Command, mut line: impl FnMut(&str)) -> Result {
    run_reading(command.stdout(Stdio::piped()), |stdout| {
        for text in stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines()).map_while(std::io::Result::ok)
        {
            line(&text);
        }
    })
}

/// Runs a command in a process group of its own while `read` reads its standard output, if that is a pipe.
fn run_reading(command: &mut Command, read: impl FnOnce(Option<ChildStdout>)) -> Result {
    signals::check()?;
    let shown = shown(command);
    let mut child =
        command.stdin(Stdio::null()).process_group(0).spawn().context(|| format!("cannot start `{shown}`"))?;
    let stdout = child.stdout.take();
    let status = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| wait_for_group(&mut child, Duration::from_secs(30)));
        read(stdout);
        waiting.join().unwrap_or_else(|_| fail(format!("cannot wait for `{shown}`")))
    })?;
    signals::check()?;
    if status.success() { Ok(()) } else { fail(format!("`{shown}` failed ({status})")) }
}

/// Waits for a child that leads a process group; once we are told to stop, tells the group and grants it `max_wait`.
pub(crate) fn wait_for_group(child: &mut Child, max_wait: Duration) -> Result<ExitStatus> {
    let mut told: Option<Instant> = None;
    loop {
        if let Some(status) = child.try_wait().context(|| "cannot wait for a child process".to_owned())? {
            return Ok(status);
        }
        match told {
            None if signals::interrupted() => {
                signal_group(child, Signal::TERM);
                told = Some(Instant::now());
            }
            Some(since) if since.elapsed() > max_wait => {
                signal_group(child, Signal::KILL);
                told = Some(Instant::now());
            }
            _ => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// The standard output of a short command; its standard error becomes the error text.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    output_within(command, Duration::from_mins(1))
}

/// As [`output`], in a process group of its own: clean-up must not die of a second Ctrl-C.
pub(crate) fn output_within(command: &mut Command, limit: Duration) -> Result<String> {
    let shown = shown(command);
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .context(|| format!("cannot start `{shown}`"))?;
    let pid = child.id();
    let (send, receive) = std::sync::mpsc::channel();
    // Only a thread can both drain the pipes and be given up on.
    std::thread::spawn(move || send.send(child.wait_with_output()));
    match receive.recv_timeout(limit) {
        Ok(Ok(output)) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(Ok(output)) => {
            let text = String::from_utf8_lossy(&output.stderr);
            fail(format!("`{shown}` failed ({}): {}", output.status, text.trim()))
        }
        Ok(Err(cause)) => fail(format!("`{shown}`: {cause}")),
        Err(_) => {
            signal(pid, Signal::KILL);
            fail(format!("`{shown}` gave no answer within {} s", limit.as_secs()))
        }
    }
}

/// Whether a command can be started and succeeds; what it prints is thrown away.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    output(command).is_ok()
}

pub(crate) fn signal(pid: u32, which: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // The only failure is that the process is gone already, which is what the caller wants.
        let _gone = kill_process(pid, which);
    }
}

fn signal_group(leader: &Child, which: Signal) {
    if let Some(pid) = i32::try_from(leader.id()).ok().and_then(Pid::from_raw) {
        let _gone = kill_process_group(pid, which);
    }
}

/// Ends a child: `which` first, and SIGKILL for one that has not left after `max_wait`.
pub(crate) fn end(child: &mut Child, which: Signal, max_wait: Duration) {
    signal(child.id(), which);
    let start = Instant::now();
    while start.elapsed() < max_wait {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let _gone = child.kill();
    let _status = child.wait();
}

/// A program on the `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|directory| directory.join(program)).find(|file| file.is_file())
}

/// Processes whose name is `name` and one of whose arguments is, or lies below, `directory`: what an earlier command of
/// this checkout left behind, whatever became of its process ids.
pub(crate) fn using(name: &str, directory: &Path) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| {
        let read = |file: &str| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        read("comm").trim_ascii_end() == name.as_bytes()
            && read("cmdline").split(|byte| *byte == 0).any(|argument| below(argument, directory))
    })
    .collect()
}

fn below(argument: &[u8], directory: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    Path::new(OsStr::from_bytes(argument)).starts_with(directory)
}

pub(crate) fn alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// A command as it would be typed, without the `setpriv ... --` that some are started by.
fn shown(command: &Command) -> String {
    let mut words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
    if words.first().is_some_and(|program| *program == "setpriv") {
        let start = words.iter().position(|word| *word == "--").map_or(0, |position| position + 1);
        words.drain(..start);
    }
    if let Some(program) = words.first_mut() {
        *program = Path::new(*program).file_name().unwrap_or(program);
    }
    words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_arguments_below_the_directory_match() {
        let directory = Path::new("/var/lib/parley-dev/abc");
        assert!(below(b"/var/lib/parley-dev/abc/postgres/data", directory));
        assert!(below(b"/var/lib/parley-dev/abc", directory));
        assert!(!below(b"/var/lib/parley-dev/abc-test-1/postgres", directory));
        assert!(!below(b"-D", directory));
    }

    #[test]
    fn output_is_captured_and_failures_carry_the_reason() {
        assert_eq!(output(Command::new("sh").args(["-c", "echo yes"])).unwrap(), "yes\n");
        let error = output(Command::new("sh").args(["-c", "echo no >&2; exit 3"])).unwrap_err().to_string();
        assert!(error.contains("no") && error.contains('3'), "{error}");
    }

    #[test]
    fn commands_are_shown_as_they_would_be_typed() {
        assert_eq!(shown(Command::new("/usr/bin/cargo").args(["fmt", "--check"])), "cargo fmt --check");
        let mut guarded = Command::new("setpriv");
        assert_eq!(shown(guarded.args(["--pdeathsig=TERM", "--", "target/debug/parley", "demo"])), "parley demo");
    }

    #[test]
    fn silent_command_times_out() {
        let error = output_within(Command::new("sleep").arg("20"), Duration::from_millis(100)).unwrap_err();
        assert!(error.to_string().contains("no answer"), "{error}");
    }
}
