//! The lists of each field that are split into one event per item.

use crate::EventKind;
use crate::json::Object;

/// A list that is split.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    pub(super) name: &'static str,
    kind: Kind,
    key: Key,
    /// The members with the person's BSUID and phone number. The first one that is found in `contacts` counts.
    pub(super) people: &'static [(&'static str, &'static str)],
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Message,
    Status,
    Field,
}

/// What identifies an item in each delivery. Without an id from Meta, its bytes do.
#[derive(Clone, Copy, Debug)]
enum Key {
    /// With a prefix: the same wamid can arrive in several lists with different contents.
    Wamid(&'static str),
    /// With a prefix.
    Status(&'static str),
    Call,
    CallStatus,
    Bytes,
}

/// The participant of a group that a status is about. Meta has used three names.
pub(crate) const PARTICIPANT: [&str; 3] =
    ["recipient_participant_user_id", "recipient_participant_id", "participant_recipient_id"];

/// The field that `history.rs` splits.
pub(super) const HISTORY: &str = "history";

const FROM: (&str, &str) = ("from_user_id", "from");
const TO: (&str, &str) = ("to_user_id", "to");
const RECIPIENT: (&str, &str) = ("recipient_user_id", "recipient_id");
const CONTACT: (&str, &str) = ("user_id", "wa_id");

const fn list(name: &'static str, kind: Kind, key: Key, people: &'static [(&'static str, &'static str)]) -> List {
    List { name, kind, key, people }
}

const MESSAGES: List = list("messages", Kind::Message, Key::Wamid("m"), &[FROM]);
const STATUSES: List = list("statuses", Kind::Status, Key::Status("s"), &[RECIPIENT]);
const ECHOES: List = list("message_echoes", Kind::Field, Key::Wamid("e"), &[TO]);

/// The same lists in a thread that another party answers. An item may arrive in both fields, and each says something of its own.
const STANDBY_MESSAGES: List = list("messages", Kind::Message, Key::Wamid("sm"), &[FROM]);
const STANDBY_STATUSES: List = list("statuses", Kind::Status, Key::Status("ss"), &[RECIPIENT]);
const STANDBY_ECHOES: List = list("message_echoes", Kind::Field, Key::Wamid("se"), &[TO]);

/// A message in a thread of `history`, which is a list in a list in a list. The same wamid can arrive again beside the threads,
/// with its file, so both have prefixes of their own.
pub(super) const IN_THREAD: List = list("messages", Kind::Field, Key::Wamid("ht"), &[FROM, TO]);
/// The rest of a chunk of `history` without its messages.
pub(super) const CHUNK: List = list("history", Kind::Field, Key::Bytes, &[]);

/// The lists of a field. A new list needs a row here and a branch in [`crate::decode()`].
pub(super) fn lists(field: &str) -> Vec<List> {
    match field {
        "messages" => vec![MESSAGES, STATUSES],
        "standby" => vec![STANDBY_MESSAGES, STANDBY_STATUSES, STANDBY_ECHOES],
        "smb_message_echoes" => vec![ECHOES],
        "calls" => vec![
            list("calls", Kind::Field, Key::Call, &[FROM, TO]),
            list("statuses", Kind::Field, Key::CallStatus, &[RECIPIENT]),
        ],
        HISTORY => vec![
            list("messages", Kind::Field, Key::Wamid("hm"), &[FROM, TO]),
            list("message_echoes", Kind::Field, Key::Wamid("he"), &[TO]),
        ],
        "user_preferences" => vec![list("user_preferences", Kind::Field, Key::Bytes, &[CONTACT])],
        "user_id_update" => vec![list("user_id_update", Kind::Field, Key::Bytes, &[CONTACT])],
        "smb_app_state_sync" => vec![list("state_sync", Kind::Field, Key::Bytes, &[])],
        _ => Vec::new(),
    }
}

impl List {
    pub(super) fn event_kind(&self, field: &str) -> EventKind {
        match self.kind {
            Kind::Message => EventKind::message(),
            Kind::Status => EventKind::status(),
            Kind::Field => EventKind::field(field),
        }
    }

    /// The key of an item with an id.
    pub(super) fn key(&self, item: &Object<'_>, phone_number_id: Option<&str>) -> Option<String> {
        let id = || item.text("id");
        let optional = |names: &[&str]| names.iter().find_map(|name| item.text(name)).unwrap_or_default();
        Some(match self.key {
            Key::Wamid(prefix) => format!("{prefix}:{}:{}", phone_number_id?, id()?),
            Key::Status(prefix) => format!("{prefix}:{}:{}:{}", id()?, item.text("status")?, optional(&PARTICIPANT)),
            Key::Call => format!("c:{}:{}:{}", phone_number_id?, id()?, item.text("event")?),
            Key::CallStatus => {
                let recipient = optional(&[RECIPIENT.0, RECIPIENT.1]);
                format!("cs:{}:{}:{}:{recipient}", phone_number_id?, id()?, item.text("status")?)
            }
            Key::Bytes => return None,
        })
    }

    /// Whether an item names the person that it is about.
    pub(super) fn names_person(&self, item: &Object<'_>) -> bool {
        self.people.iter().any(|(bsuid, phone)| item.text(bsuid).is_some() || item.text(phone).is_some())
    }
}
