//! The stand-in for Meta beside the server of `cargo xtask run`: the phone on which one writes as a customer.

use crate::error::{Context, Result, fail};
use crate::settings::Settings;
use crate::steps::Steps;
use crate::{probe, process, services, signals};
use rustix::process::Signal;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

// The number that `parley demo` connects.
pub(crate) const PHONE_NUMBER_ID: &str = "106540352242922";
/// The first customer whom the phone offers.
pub(crate) const CUSTOMER: &str = "15550100011";
const WABA_ID: &str = "102290129340398";
const DISPLAY_NUMBER: &str = "15550100000";
const NAME: &str = "Demo number";

/// Runs as long as this value lives.
#[derive(Debug)]
pub(crate) struct Sandbox(Child);

impl Sandbox {
    /// Starts it with the demo number, whose webhooks go to the server. Returns when it answers.
    pub(crate) fn start(binary: &Path, settings: &Settings, steps: &Steps) -> Result<Self> {
        let sandbox = &settings.sandbox;
        let mut command = services::foreground(binary);
        // Secrets in the environment: everyone on the machine can read arguments.
        command
            .env("PARLEY_SANDBOX_LISTEN", format!("127.0.0.1:{}", sandbox.port))
            .env("PARLEY_SANDBOX_APP_SECRET", &sandbox.app_secret)
            .env("PARLEY_SANDBOX_WEBHOOK_URL", format!("http://127.0.0.1:{}/webhooks/whatsapp", settings.http_port))
            .env(
                "PARLEY_SANDBOX_NUMBERS",
                format!("{PHONE_NUMBER_ID}:{WABA_ID}:{}:{DISPLAY_NUMBER}:{NAME}", sandbox.token),
            );
        // In a process group of its own, as the server is.
        command.stdin(Stdio::null()).stdout(steps.open()?).stderr(steps.open()?).process_group(0);
        let child = command.spawn().context(|| format!("cannot start {}", binary.display()))?;
        let mut started = Self(child);
        let ready = signals::wait_for(Duration::from_secs(10), || {
            if let Some(how) = started.ended() {
                return fail(format!("{how}; {} says why", steps.log().display()));
            }
            Ok((probe::http_status(sandbox.port, "/sandbox/state") == Some(200)).then_some(()))
        })?;
        match ready {
            Some(()) => Ok(started),
            None => fail("the sandbox was not ready after 10 s".to_owned()),
        }
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<String> {
        let status = self.0.try_wait().ok()??;
        Some(format!("the sandbox ended ({status})"))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        process::end(&mut self.0, Signal::TERM, Duration::from_secs(5));
    }
}
