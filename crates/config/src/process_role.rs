use std::collections::BTreeSet;
use std::fmt;

/// A part of the system that a process can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum ProcessRole {
    /// Serves the HTTP API and accepts webhooks
    Api,
    /// Publishes stored webhook events to the queue
    Relay,
    /// Processes events from the queue
    Worker,
    /// Sends messages to customers through Meta
    Sender,
    /// Measures backlogs, deletes expired rows, closes billing periods and rotates signing keys, periodically
    Scheduler,
}

/// The roles of one process. Any number of processes may have the same role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessRoles(BTreeSet<ProcessRole>);

impl ProcessRoles {
    #[must_use]
    pub fn all() -> Self {
        [ProcessRole::Api, ProcessRole::Relay, ProcessRole::Worker, ProcessRole::Sender, ProcessRole::Scheduler]
            .into_iter()
            .collect()
    }

    /// Whether a role uses the broker. The API does not: it stores what it accepts in the database. Nor does the sender: it takes
    /// what is to be sent from the database.
    #[must_use]
    pub fn need_broker(&self) -> bool {
        self.0.iter().any(|role| !matches!(role, ProcessRole::Api | ProcessRole::Sender))
    }

    #[must_use]
    pub fn include(&self, role: ProcessRole) -> bool {
        self.0.contains(&role)
    }
}

/// As on the command line: `api,relay,worker,sender,scheduler`.
impl fmt::Display for ProcessRoles {
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

impl FromIterator<ProcessRole> for ProcessRoles {
    fn from_iter<I: IntoIterator<Item = ProcessRole>>(roles: I) -> Self {
        Self(roles.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_written_as_on_the_command_line() {
        assert_eq!(ProcessRoles::all().to_string(), "api,relay,worker,sender,scheduler");
    }

    #[test]
    fn api_and_sender_run_without_the_broker() {
        assert!(!ProcessRoles::from_iter([ProcessRole::Api, ProcessRole::Sender]).need_broker());
        for role in [ProcessRole::Relay, ProcessRole::Worker, ProcessRole::Scheduler] {
            assert!(ProcessRoles::from_iter([ProcessRole::Api, role]).need_broker(), "{role:?}");
        }
    }
}
