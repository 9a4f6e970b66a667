//! A Docker engine for machines that have none running, such as a container or a virtual machine without systemd.

use crate::checkout;
use crate::error::{Context, Result, fail};
use crate::process;
use crate::services::docker::Engine;
use crate::services::packages;
use crate::signals;
use crate::store;
use rustix::process::Signal;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

fn pid_file() -> Result<PathBuf> {
    Ok(checkout::base()?.join("dockerd.pid"))
}

/// An engine that answers; installed and started when there is none. It outlives us, until [`stop`].
pub(crate) fn ensure() -> Result {
    if Engine::find().is_there() {
        return Ok(());
    }
    if process::find("dockerd").is_none() {
        // iptables is only recommended by the package, and published ports need it.
        packages::install(&["docker.io", "iptables"], "a Docker engine", "")?;
        // Under systemd the package has started it.
        if signals::wait_for(Duration::from_secs(5), || Ok(Engine::find().is_there().then_some(())))?.is_some() {
            return Ok(());
        }
    }
    if !checkout::is_root() {
        return fail("no Docker engine is running; start it (for example `sudo systemctl start docker`)");
    }
    start()
}

fn start() -> Result {
    store::make_directory(&checkout::base()?, 0o711)?;
    let pid_file = pid_file()?;
    let log = checkout::base()?.join("dockerd.log");
    let output = File::create(&log).context(|| format!("cannot write {}", log.display()))?;
    let second = output.try_clone().context(|| format!("cannot write {}", log.display()))?;
    println!("starting dockerd, log in {}", log.display());
    let mut child = Command::new("dockerd")
        .arg("--pidfile")
        .arg(&pid_file)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(second)
        .process_group(0)
        .spawn()
        .context(|| "cannot start dockerd".to_owned())?;
    let answer = signals::wait_for(Duration::from_mins(1), || {
        if let Ok(Some(status)) = child.try_wait() {
            return fail(format!("dockerd ended ({status}); see {}", log.display()));
        }
        Ok(Engine::find().is_there().then_some(()))
    });
    match answer {
        Ok(Some(())) => Ok(()),
        Ok(None) => {
            process::end(&mut child, Signal::TERM, Duration::from_secs(10));
            fail(format!("dockerd does not answer; see {}", log.display()))
        }
        Err(cause) => {
            process::end(&mut child, Signal::TERM, Duration::from_secs(10));
            Err(cause)
        }
    }
}

/// Stops the engine that [`ensure`] started, and no other.
pub(crate) fn stop() -> Result {
    let file = pid_file()?;
    let pid = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse::<u32>().ok());
    let Some(pid) = pid.filter(|pid| process::using("dockerd", &file).contains(pid)) else {
        println!("no Docker engine of ours is running");
        return Ok(());
    };
    process::signal(pid, Signal::TERM);
    match signals::wait_for(Duration::from_secs(30), || Ok((!process::alive(pid)).then_some(())))? {
        Some(()) => {
            println!("stopped dockerd");
            Ok(())
        }
        None => fail(format!("dockerd, process {pid}, does not stop")),
    }
}
