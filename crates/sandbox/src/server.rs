//! Starts and stops the sandbox.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::rt::System;
use actix_web::rt::net::TcpStream;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};

use crate::clock::Clock;
use crate::graph::{self, Connection};
use crate::options::Options;
use crate::shared::Shared;
use crate::webhooks::outbox::Outbox;
use crate::{admin, phone, setup, ticker};

/// Why the sandbox does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot listen on {address}: {source}")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("cannot read the file of the app secret: {0}")]
    SecretFile(std::io::Error),
    #[error("cannot start: {0}")]
    Io(#[from] std::io::Error),
    #[error("cannot make the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    #[error("the thread of the sandbox ended")]
    Ended,
}

/// A sandbox that runs on a thread of its own. Dropped, it stops.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    server: ServerHandle,
    thread: Option<JoinHandle<Result<(), StartError>>>,
}

impl Sandbox {
    /// Returns when it listens. Signals are left to the process.
    ///
    /// # Errors
    /// The port is taken, or the host has no resources.
    pub fn start(options: Options) -> Result<Self, StartError> {
        Self::start_on_thread(options, false)
    }

    /// As [`Sandbox::start`], and SIGINT and SIGTERM end it.
    ///
    /// # Errors
    /// As those of [`Sandbox::start`].
    pub fn start_with_signals(options: Options) -> Result<Self, StartError> {
        Self::start_on_thread(options, true)
    }

    fn start_on_thread(options: Options, handles_signals: bool) -> Result<Self, StartError> {
        let (started, wait) = mpsc::channel();
        let thread = std::thread::Builder::new().name("sandbox".to_owned()).spawn(move || {
            System::new().block_on(async move {
                let (address, server) = serve(&options, handles_signals)?;
                // The other end waits, unless its thread died.
                let _told = started.send((address, server.handle()));
                server.await.map_err(StartError::Io)
            })
        })?;
        match wait.recv() {
            Ok((address, server)) => Ok(Self { address, server, thread: Some(thread) }),
            // Without a message the thread has failed.
            Err(_) => match thread.join() {
                Ok(Err(error)) => Err(error),
                _ => Err(StartError::Ended),
            },
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a client takes for `https://graph.facebook.com`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until it ends by a signal.
    ///
    /// # Errors
    /// The server failed.
    pub fn wait(mut self) -> Result<(), StartError> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            _ => Err(StartError::Ended),
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            // Sends the order at once; the future only waits for its outcome.
            drop(self.server.stop(false));
            let _ended = thread.join();
        }
    }
}

fn serve(options: &Options, handles_signals: bool) -> Result<(SocketAddr, actix_web::dev::Server), StartError> {
    let clock = Arc::new(Clock::start());
    let client = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(20))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent("facebookexternalua")
        .build()?;
    let outbox = Outbox::new(client, tokio::runtime::Handle::current(), Arc::clone(&clock));
    let world = setup::first_world(options, clock.now_ms());
    let shared = Data::new(Shared::new(clock, outbox, world));
    actix_web::rt::spawn(ticker::run(shared.clone().into_inner()));
    let settings = Data::new(options.clone());
    let app = move || {
        App::new()
            .app_data(shared.clone())
            .app_data(settings.clone())
            .app_data(web::PayloadConfig::new(16 << 20))
            .configure(admin::configure)
            .configure(phone::configure)
            .configure(graph::configure)
    };
    let mut server = HttpServer::new(app)
        .on_connect(|connection, data| {
            // A second handle of the socket, for faults that reset it.
            let socket =
                connection.downcast_ref::<TcpStream>().and_then(|stream| stream.as_fd().try_clone_to_owned().ok());
            data.insert(Connection(RefCell::new(socket)));
        })
        .workers(options.workers.max(1))
        .backlog(4096)
        .max_connections(20_000)
        .keep_alive(Duration::from_secs(75))
        // The handlers of faults may hang for an hour.
        .shutdown_timeout(1)
        .bind(options.listen)
        .map_err(|source| StartError::Listen { address: options.listen, source })?;
    if !handles_signals {
        server = server.disable_signals();
    }
    let address = server.addrs().first().copied().unwrap_or(options.listen);
    Ok((address, server.run()))
}
