use std::collections::BTreeSet;
use std::fmt;

/// A part of the system that a process can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Role {
    /// Serves the HTTP API and accepts webhooks
    Api,
    /// Moves what was accepted to the queue
    Relay,
    /// Processes what is in the queue
    Worker,
    /// Measures what waits, deletes what is old, closes what is to be paid and moves signing keys on, now and then
    Scheduler,
}

/// The parts that one process is. Any number of processes may be the same part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles(BTreeSet<Role>);

impl Roles {
    #[must_use]
    pub fn all() -> Self {
        [Role::Api, Role::Relay, Role::Worker, Role::Scheduler].into_iter().collect()
    }

    /// Whether one of them works on the queue. The API does not: what it accepts is in the database.
    #[must_use]
    pub fn need_broker(&self) -> bool {
        self.0.iter().any(|role| *role != Role::Api)
    }

    #[must_use]
    pub fn include(&self, role: Role) -> bool {
        self.0.contains(&role)
    }
}

/// As they are written on the command line: `api,relay,worker,scheduler`.
impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self
            .0
            .iter()
            .filter_map(clap::ValueEnum::to_possible_value)
            .map(|value| value.get_name().to_owned())
            .collect();
        f.write_str(&names.join(","))
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().collect())
    }
}
