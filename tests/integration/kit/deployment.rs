//! The real program in processes of its own, which can be killed and restarted.

use std::io::{BufRead, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::client::Client;
use super::database::{self, TestDatabase};
use super::meta::{APP_SECRET, VERIFY_TOKEN};
use super::services::services;
use super::{broker, media_store, wait};

/// Long enough for a machine that compiles at the same time.
const START: Duration = Duration::from_mins(1);

/// The database, queues and environment that several servers share.
pub(crate) struct Deployment {
    pub(crate) database: TestDatabase,
    pub(crate) namespace: String,
    settings: Vec<(&'static str, String)>,
    /// Bytes of memory that a process may use, without shared and read-only memory.
    pub(crate) memory_limit: Option<u64>,
}

/// A running server process.
pub(crate) struct Server {
    child: Child,
    pub(crate) client: Client,
    log: Log,
}

/// The lines that a server has logged so far.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Value>>>);

impl Log {
    fn find(&self, message: &str) -> Option<Value> {
        self.0.lock().unwrap().iter().find(|line| line["message"] == message).cloned()
    }

    fn lines(&self) -> Vec<Value> {
        self.0.lock().unwrap().clone()
    }
}

impl Deployment {
    pub(crate) async fn new() -> Self {
        Self {
            database: database::copy().await,
            namespace: broker::fresh_namespace(),
            settings: Vec::new(),
            memory_limit: None,
        }
    }

    /// Adds an environment variable for all processes.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((name, value.into()));
        self
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_parley-under-test"));
        let mut command = match self.memory_limit {
            None => Command::new(program),
            Some(bytes) => {
                let mut limited = Command::new("/bin/sh");
                limited.args(["-c", r#"ulimit -d "$0" && exec "$@""#, &(bytes / 1024).to_string()]).arg(program);
                limited
            }
        };
        command
            .args(arguments)
            .env_clear()
            .env("PARLEY_DATABASE_URL", &self.database.app_url)
            .env("PARLEY_DATABASE_PLATFORM_URL", &self.database.platform_url)
            .env("PARLEY_DATABASE_OWNER_URL", &self.database.owner_url)
            .env("PARLEY_AMQP_NAMESPACE", &self.namespace)
            .env("PARLEY_HTTP_LISTEN", "127.0.0.1:0")
            .env("PARLEY_HTTP_METRICS_LISTEN", "127.0.0.1:0")
            .env("PARLEY_KEYS_ENCRYPTION", "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
            .env("PARLEY_WHATSAPP_APP_SECRET", APP_SECRET)
            .env("PARLEY_WHATSAPP_VERIFY_TOKEN", VERIFY_TOKEN)
            .env("PARLEY_MEDIA_STORE", media_store::shared_store())
            .env("PARLEY_CHANNELS_SELF_SERVICE", "true")
            .env("PARLEY_HTTP_MAX_REQUESTS", "4096")
            .env("PARLEY_HTTP_MAX_REQUESTS_PER_ADDRESS", "4096")
            // All requests come from one address.
            .env("PARLEY_LIMITS_SIGNUPS_PER_ADDRESS", "0")
            .env("PARLEY_LIMITS_SIGNUPS", "0")
            .env("PARLEY_LIMITS_REGISTRATIONS_PER_ADDRESS", "0")
            .env("PARLEY_LIMITS_REGISTRATIONS", "0")
            .env("PARLEY_LIMITS_UNKNOWN_CALLERS_PER_ADDRESS", "0")
            .env("PARLEY_LIMITS_UNKNOWN_CALLERS", "0")
            .env("PARLEY_LIMITS_REQUESTS_PER_USER", "0")
            .env("PARLEY_LIMITS_REQUESTS_PER_ADDRESS", "0")
            .env("PARLEY_LOG_FORMAT", "json")
            .envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) async fn serve(&self) -> Server {
        self.serve_as("api,relay,worker").await
    }

    pub(crate) async fn serve_as(&self, roles: &str) -> Server {
        self.serve_with(roles, &[]).await
    }

    /// Starts a process with additional environment variables, and waits until it is ready.
    pub(crate) async fn serve_with(&self, roles: &str, settings: &[(&str, &str)]) -> Server {
        let mut server = self.spawn(roles, settings).await;
        let log = server.log.clone();
        let ready = if roles.split(',').any(|role| role == "api") { "serving API" } else { "running" };
        let line = wait::within(START, "the server to start", async || {
            let line = log.find(ready);
            if line.is_none()
                && let Some(status) = server.child.try_wait().unwrap()
            {
                panic!("the server exited ({status}): {:#?}", log.lines());
            }
            line
        })
        .await;
        if let Some(address) = line["address"].as_str() {
            server.client = Client::new(format!("http://{address}"));
        }
        server
    }

    /// Starts a process that may fail to become ready.
    pub(crate) async fn spawn(&self, roles: &str, settings: &[(&str, &str)]) -> Server {
        let mut command = self.command(&["serve", "--roles", roles]);
        command
            .env("PARLEY_AMQP_URL", &services().await.amqp_url)
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Log::default();
        let written = log.clone();
        // Reads until the process exits, since it would block on a full pipe.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // Fatal errors and panics are plain text.
                let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
                written.0.lock().unwrap().push(line);
            }
        });
        Server { child, client: Client::new("http://127.0.0.1:1"), log }
    }

    pub(crate) async fn finish(self) {
        broker::delete(&self.namespace).await;
        self.database.drop().await;
    }
}

impl Server {
    pub(crate) fn signal(&self, name: &str) {
        let kill = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
    }

    /// Sends `SIGKILL` and waits for the exit.
    pub(crate) async fn kill(self) {
        self.signal("KILL");
        assert!(!self.exit().await.success());
    }

    /// Waits for the exit and returns its status.
    pub(crate) async fn exit(mut self) -> ExitStatus {
        tokio::task::spawn_blocking(move || self.child.wait().unwrap()).await.unwrap()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// The most memory that the process had in RAM so far, in bytes.
    pub(crate) fn peak_memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }

    /// The log so far. Lines that are not JSON are strings.
    pub(crate) fn log(&self) -> Vec<Value> {
        self.log.lines()
    }

    /// The metrics in Prometheus' text format.
    pub(crate) async fn metrics(&self) -> String {
        Client::new(format!("http://{}", self.metrics_address())).get("/metrics").await.text
    }

    /// The address of the metrics endpoint.
    pub(crate) fn metrics_address(&self) -> String {
        let line = self.log.find("serving metrics").expect("the log has the metrics address");
        line["address"].as_str().unwrap().to_owned()
    }

    /// The value of one series, 0 if it does not exist.
    pub(crate) async fn metric(&self, series: &str) -> f64 {
        let text = self.metrics().await;
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().unwrap())
    }
}

/// Kills the process; in a failing test, prints the end of its log.
impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let lines = self.log.lines();
            let last = lines[lines.len().saturating_sub(25)..].iter().map(|line| format!("  {line}\n"));
            let report = format!("server {}:\n{}", self.child.id(), last.collect::<String>());
            let _ = std::io::stderr().write_all(report.as_bytes());
        }
    }
}

/// A port that stays free while its server restarts: below the range for outgoing connections.
pub(crate) fn steady_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 1_000).unwrap() * 10;
    loop {
        let port = 12_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 8_000;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
