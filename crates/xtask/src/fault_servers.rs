//! Postgres and RabbitMQ that the fault tests stop, kill and start again.
//!
//! The servers are ours, so that they are gone when we are, whatever becomes of the tests. A test asks for what it wants done
//! on a socket, one line a connection, and reads `ok` or a sentence that says why not:
//!
//! ```text
//! postgres start | stop (immediate shutdown) | kill (SIGKILL of the postmaster)
//! rabbitmq start | stop | kill | ctl <arguments of rabbitmqctl>...
//! ```

use crate::down;
use crate::error::{Context, Result, fail};
use crate::services::{self, Durability, Service};
use crate::store::Store;
use crate::{ports, signals};
use rustix::process::Signal;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::Command;
use std::thread::JoinHandle;
use std::time::Duration;

/// The socket's path, for the tests.
const CONTROL: &str = "PARLEY_FAULTS_CONTROL";

/// Erlang: asks the quorum queues that have no leader to elect one; answers which.
const ELECT_LEADERS: &str = "[begin ra:trigger_election(Server), Name end \
    || Queue <- rabbit_amqqueue:list(), amqqueue:get_type(Queue) =:= rabbit_quorum_queue, \
       {Name, _} = Server <- [amqqueue:get_pid(Queue)], ra_leaderboard:lookup_leader(Name) =:= undefined].";

#[derive(Debug)]
pub(crate) struct FaultServers {
    socket: PathBuf,
    database_url: String,
    amqp_url: String,
    /// Starts the servers and ends with them: the kernel ends them with the thread that started them.
    thread: JoinHandle<Result>,
}

impl FaultServers {
    pub(crate) fn start() -> Result<Self> {
        down::clear_dead_test_runs()?;
        let (ready, started) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let (servers, listener) = Servers::start()?;
            let socket = servers.socket();
            let urls = servers.urls.clone();
            if ready.send((socket, urls)).is_err() {
                return servers.end();
            }
            servers.obey(&listener)
        });
        match started.recv() {
            Ok((socket, [database_url, amqp_url])) => Ok(Self { socket, database_url, amqp_url, thread }),
            Err(_) => match thread.join() {
                Ok(Err(cause)) => Err(cause),
                _ => fail("the servers did not start"),
            },
        }
    }

    /// Sets the addresses of the servers as variables of the tests.
    pub(crate) fn pass_addresses<'c>(&self, tests: &'c mut Command) -> &'c mut Command {
        tests
            .env(CONTROL, &self.socket)
            .env("PARLEY_TEST_DATABASE_URL", &self.database_url)
            .env("PARLEY_TEST_AMQP_URL", &self.amqp_url)
    }

    /// Stops the servers and deletes their data.
    pub(crate) fn end(self) -> Result {
        let sent = UnixStream::connect(&self.socket).and_then(|mut stream| stream.write_all(b"end\n"));
        sent.context(|| format!("cannot write to {}", self.socket.display()))?;
        self.thread.join().unwrap_or_else(|_| fail("the servers were not stopped well"))
    }
}

struct Servers {
    /// Declared, and so dropped, before the store whose directory they use.
    postgres: Option<Service>,
    rabbitmq: Option<Service>,
    urls: [String; 2],
    store: Store,
}

impl Servers {
    fn start() -> Result<(Self, UnixListener)> {
        let mut store = Store::of_test_run()?;
        ports::choose_steady(&mut store, &["postgres_port", "amqp_port", "amqp_distribution_port"])?;
        // What is committed must survive the death of the server, as it does in production.
        let postgres = services::postgres_private(&mut store, Durability::Kept)?;
        let rabbitmq = services::rabbitmq_private(&mut store)?;
        let urls = [postgres.url.clone(), rabbitmq.url.clone()];
        let servers = Self { postgres: Some(postgres), rabbitmq: Some(rabbitmq), urls, store };
        let socket = servers.socket();
        let listener = UnixListener::bind(&socket).context(|| format!("cannot listen on {}", socket.display()))?;
        Ok((servers, listener))
    }

    fn socket(&self) -> PathBuf {
        self.store.directory().join("control")
    }

    fn obey(mut self, listener: &UnixListener) -> Result {
        for stream in listener.incoming() {
            let mut stream = stream.context(|| "cannot hear the tests".to_owned())?;
            let mut line = String::new();
            if BufReader::new(&stream).read_line(&mut line).is_err() {
                continue;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            if words == ["end"] {
                break;
            }
            let answer = match self.carry_out(&words) {
                Ok(said) => format!("ok\n{said}"),
                Err(cause) => format!("{cause}\n"),
            };
            // A test that no longer listens has failed, and says so itself.
            let _unheard = stream.write_all(answer.as_bytes());
        }
        self.end()
    }

    fn carry_out(&mut self, words: &[&str]) -> Result<String> {
        match words {
            ["postgres", "start"] if self.postgres.is_none() => {
                let again = again(|| services::postgres_private(&mut self.store, Durability::Kept))?;
                self.postgres = Some(same_place(again, &self.urls[0])?);
            }
            ["rabbitmq", "start"] if self.rabbitmq.is_none() => {
                let again = again(|| services::rabbitmq_private(&mut self.store))?;
                self.rabbitmq = Some(same_place(again, &self.urls[1])?);
                self.elect_leaders()?;
            }
            ["postgres" | "rabbitmq", "start"] => {}
            ["postgres", "stop"] => end_by(self.postgres.take(), Signal::QUIT),
            ["postgres", "kill"] => end_by(self.postgres.take(), Signal::KILL),
            ["rabbitmq", "stop"] => drop(self.rabbitmq.take()),
            ["rabbitmq", "kill"] => {
                services::kill_rabbitmq(self.store.directory());
                end_by(self.rabbitmq.take(), Signal::KILL);
            }
            ["rabbitmq", "ctl", arguments @ ..] => return services::rabbitmqctl(&self.store, arguments),
            _ => return fail(format!("unknown request `{}`", words.join(" "))),
        }
        Ok(String::new())
    }

    /// A queue of one node that was killed may wait for ever for a leader, which would be itself: a defect of RabbitMQ
    /// (rabbitmq-server issue 10070) that takes an operator. Only when this is done is the broker whole again.
    fn elect_leaders(&self) -> Result {
        let leaderless = services::rabbitmqctl(&self.store, &["eval", ELECT_LEADERS])?;
        if leaderless.trim() != "[]" {
            println!("RabbitMQ left queues without a leader, an election was asked for: {}", leaderless.trim());
        }
        Ok(())
    }

    fn end(self) -> Result {
        let Self { postgres, rabbitmq, store, .. } = self;
        drop((postgres, rabbitmq));
        store.delete()
    }
}

fn end_by(service: Option<Service>, signal: Signal) {
    if let Some(service) = service {
        service.end_by(signal);
    }
}

/// Killed servers leave children for a moment, and until those are gone the next one refuses to start.
fn again(mut start: impl FnMut() -> Result<Service>) -> Result<Service> {
    let mut last = None;
    let started = signals::wait_for(Duration::from_mins(1), || match start() {
        Ok(service) => Ok(Some(service)),
        Err(cause) => {
            last = Some(cause);
            Ok(None)
        }
    })?;
    match (started, last) {
        (Some(service), _) => Ok(service),
        (None, Some(cause)) => Err(cause),
        (None, None) => fail("the server was not started"),
    }
}

fn same_place(service: Service, url: &str) -> Result<Service> {
    if service.url == url { Ok(service) } else { fail("another process has taken the port of a stopped server") }
}
