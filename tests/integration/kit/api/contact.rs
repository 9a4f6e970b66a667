//! Contacts and their history.

use serde::Deserialize;
use serde_json::Value;

use super::{Resource, Versioned};

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Contact {
    pub(crate) id: String,
    pub(crate) display_name: String,
    pub(crate) title: String,
    pub(crate) identities: Vec<Identity>,
    pub(crate) attributes: Value,
    pub(crate) language: Option<String>,
    pub(crate) marketing_consent: String,
    pub(crate) needs_review: bool,
    pub(crate) version: i64,
    pub(crate) created_at: String,
}

impl Contact {
    pub(crate) fn has(&self, kind: &str, value: &str) -> bool {
        self.identities.iter().any(|identity| identity.kind == kind && identity.value == value)
    }

    /// The current and the former identities as `kind value`, each sorted.
    pub(crate) fn identity_lines(&self) -> (Vec<String>, Vec<String>) {
        let of = |current: bool| {
            let chosen = self.identities.iter().filter(|identity| identity.current == current);
            let mut lines: Vec<String> = chosen.map(|it| format!("{} {}", it.kind, it.value)).collect();
            lines.sort_unstable();
            lines
        };
        (of(true), of(false))
    }
}

impl Resource for Contact {
    const LIST: &'static str = "/crm/contacts";

    fn segment(&self) -> &str {
        &self.id
    }
}

impl Versioned for Contact {
    fn version(&self) -> i64 {
        self.version
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Identity {
    pub(crate) kind: String,
    pub(crate) value: String,
    pub(crate) current: bool,
}

impl Identity {
    pub(crate) fn current(kind: &str, value: &str) -> Self {
        Self { kind: kind.to_owned(), value: value.to_owned(), current: true }
    }
}

/// An entry in a contact's history.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Interaction {
    pub(crate) id: String,
    pub(crate) contact_id: String,
    pub(crate) title: String,
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) actor_id: Option<String>,
    pub(crate) message_id: Option<String>,
    pub(crate) occurred_at: String,
}
