//! Parley as it is deployed: a process for each part, with the settings that it has by default.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;
use url::Url;

use crate::cores::Cores;
use crate::deliveries::APP_SECRET;
use crate::error::{Result, fail};
use crate::http::{Connection, request};
use crate::options::Options;

/// What everything is started with.
#[derive(Clone, Debug)]
pub(crate) struct Deployment {
    parley: PathBuf,
    directory: PathBuf,
    amqp_url: Url,
    database_url: Url,
    /// Whether the rates of callers are limited as they are by default. All requests come from few callers.
    is_limited: bool,
    /// Of Meta's Graph API.
    graph_url: Option<String>,
}

/// A running process. It is stopped when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Of its metrics.
    pub(crate) metrics_address: SocketAddr,
    /// From its start until it said that it is ready.
    pub(crate) ready_after: Duration,
}

const MAX_WAIT: Duration = Duration::from_mins(1);

/// Limits that are off in most figures: all requests come from one address and a few users, and one tenant is searched on all
/// connections.
const RATES: [&str; 10] = [
    "PARLEY_LIMITS_SIGNUPS_PER_ADDRESS",
    "PARLEY_LIMITS_SIGNUPS",
    "PARLEY_LIMITS_REGISTRATIONS_PER_ADDRESS",
    "PARLEY_LIMITS_REGISTRATIONS",
    "PARLEY_LIMITS_UNKNOWN_CALLERS_PER_ADDRESS",
    "PARLEY_LIMITS_UNKNOWN_CALLERS",
    "PARLEY_LIMITS_REQUESTS_PER_USER",
    "PARLEY_LIMITS_REQUESTS_PER_ADDRESS",
    "PARLEY_LIMITS_EXPENSIVE_READS_PER_TENANT",
    "PARLEY_LIMITS_EXPENSIVE_READS",
];

impl Deployment {
    /// Makes roles and database, and brings the schema up to date.
    pub(crate) fn new(options: &Options) -> Result<Self> {
        let deployment = Self {
            parley: options.parley.clone(),
            directory: options.directory.clone(),
            amqp_url: options.amqp_url.clone(),
            database_url: options.database_url.clone(),
            is_limited: false,
            graph_url: None,
        };
        let output = deployment.command(&["migrate"])?.output()?;
        if !output.status.success() {
            return fail(format!("parley migrate failed: {}", String::from_utf8_lossy(&output.stderr)));
        }
        Ok(deployment)
    }

    /// The database of this deployment, for a login role. Passwords are that of the superuser: the server is gone with the
    /// benchmark.
    pub(crate) fn database(&self, role: &str) -> Result<Url> {
        let mut url = self.database_url.clone();
        url.set_username(role).map_err(|()| "the URL of the database has no place for a user")?;
        url.set_path("parley");
        Ok(url)
    }

    pub(crate) fn superuser(&self) -> Result<Url> {
        self.database(self.database_url.username())
    }

    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let media = self.directory.join("media");
        std::fs::create_dir_all(&media)?;
        let mut command = Command::new(&self.parley);
        command
            .args(arguments)
            .env_clear()
            .env("PARLEY_DATABASE_URL", self.database("parley_app")?.as_str())
            .env("PARLEY_DATABASE_PLATFORM_URL", self.database("parley_platform")?.as_str())
            .env("PARLEY_DATABASE_OWNER_URL", self.database("parley_owner")?.as_str())
            .env("PARLEY_DATABASE_ADMIN_URL", self.database_url.as_str())
            .env("PARLEY_AMQP_URL", self.amqp_url.as_str())
            .env("PARLEY_KEYS_ENCRYPTION", "bench:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
            .env("PARLEY_WHATSAPP_APP_SECRET", APP_SECRET)
            .env("PARLEY_WHATSAPP_VERIFY_TOKEN", "the verify token of the benchmark")
            .env("PARLEY_MEDIA_STORE", format!("file://{}", std::path::absolute(media)?.display()))
            .env("PARLEY_CHANNELS_SELF_SERVICE", "true")
            .envs(self.graph_url.as_ref().map(|url| ("PARLEY_WHATSAPP_GRAPH_URL", url)))
            .envs(RATES.map(|name| (name, "0")).into_iter().filter(|_| !self.is_limited))
            // What this process was given itself.
            .envs(std::env::var_os("GLIBC_TUNABLES").map(|tunables| ("GLIBC_TUNABLES", tunables)))
            // So that the generator can be many people at many addresses.
            .env("PARLEY_HTTP_TRUSTED_PROXIES", "127.0.0.1")
            .stdin(Stdio::null());
        Ok(command)
    }

    /// The same deployment with all limits as they are by default.
    pub(crate) fn limited(&self) -> Self {
        Self { is_limited: true, ..self.clone() }
    }

    /// The same deployment with another Graph API.
    pub(crate) fn calling(&self, graph_url: &str) -> Self {
        Self { graph_url: Some(graph_url.to_owned()), ..self.clone() }
    }

    /// Starts a process with these roles, such as `api` or `relay,worker`; returns when it is ready.
    pub(crate) async fn start(&self, roles: &str) -> Result<Process> {
        self.start_on(Cores::all()?, roles).await
    }

    /// The same on some of the cores.
    pub(crate) async fn start_on(&self, cores: Cores, roles: &str) -> Result<Process> {
        let (address, metrics_address) = (free_address()?, free_address()?);
        let log_path = self.directory.join(format!("{}-{}.log", roles.replace(',', "-"), address.port()));
        let log = File::create(&log_path)?;
        let mut command = self.command(&["serve", "--roles", roles])?;
        command
            .env("PARLEY_HTTP_LISTEN", address.to_string())
            .env("PARLEY_HTTP_METRICS_LISTEN", metrics_address.to_string())
            .stdout(log.try_clone()?)
            .stderr(log);
        let begun = Instant::now();
        let child = cores.confine(|| Ok(command.spawn()?))?;
        let mut process = Process { child, address, metrics_address, ready_after: Duration::ZERO };
        while !process.is_ready().await {
            if let Some(status) = process.child.try_wait()? {
                return fail(format!("`serve --roles {roles}` ended ({status}); see {}", log_path.display()));
            }
            if begun.elapsed() > MAX_WAIT {
                return fail(format!("`serve --roles {roles}` is not ready; see {}", log_path.display()));
            }
            sleep(Duration::from_millis(2)).await;
        }
        process.ready_after = begun.elapsed();
        Ok(process)
    }
}

impl Process {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    async fn is_ready(&self) -> bool {
        let Ok(mut connection) = Connection::open(self.address).await else { return false };
        connection.send(&request("GET", "/readyz", &[], b"")).await.is_ok_and(|status| status == 200)
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) fn stop(mut self) -> Result {
        self.terminate();
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { fail(format!("a process of Parley ended badly ({status})")) }
    }

    fn terminate(&self) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // The only failure is that it is gone already.
            let _gone = kill_process(pid, Signal::TERM);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.terminate();
            let _status = self.child.wait();
        }
    }
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
