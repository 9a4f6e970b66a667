//! A running Postgres or RabbitMQ.

use super::container::Container;
use super::private::Daemon;
use rustix::process::Signal;

/// A service that runs as long as this value lives.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) url: String,
    pub(super) backing: Backing,
}

#[derive(Debug)]
pub(super) enum Backing {
    /// Not ours: neither watched nor stopped.
    Given,
    Container(Container),
    Daemon(Daemon),
}

impl Service {
    pub(super) fn given(url: String) -> Self {
        Self { url, backing: Backing::Given }
    }

    /// What became of it, when it is no longer running.
    pub(crate) fn ended(&mut self) -> Option<String> {
        match &mut self.backing {
            Backing::Daemon(daemon) => daemon.ended(),
            Backing::Given | Backing::Container(_) => None,
        }
    }

    /// Ends it by another signal than the one that is kind to it.
    pub(crate) fn end_by(self, signal: Signal) {
        if let Backing::Daemon(daemon) = self.backing {
            daemon.end_by(signal);
        }
    }

    pub(crate) fn description(&self) -> String {
        match &self.backing {
            Backing::Given => "as given by the environment".to_owned(),
            Backing::Container(container) => format!("container {}", container.name()),
            Backing::Daemon(_) => "private instance".to_owned(),
        }
    }
}
