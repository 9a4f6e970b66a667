use std::fmt;

/// The kind of an event: `message`, `status`, `unparsed`, or the name of the change's field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventKind(String);

impl EventKind {
    const MAX_BYTES: usize = 48;

    #[must_use]
    pub fn message() -> Self {
        Self("message".to_owned())
    }

    #[must_use]
    pub fn status() -> Self {
        Self("status".to_owned())
    }

    /// Validly signed, but not in the documented format, or larger than 128 KiB.
    #[must_use]
    pub fn unparsed() -> Self {
        Self("unparsed".to_owned())
    }

    /// A change of another field. A name with other characters, or one of ours, is `other`.
    #[must_use]
    pub fn field(name: &str) -> Self {
        let ours = matches!(name, "message" | "status" | "unparsed");
        let plain = !ours
            && (1..=Self::MAX_BYTES).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        Self(if plain { name } else { "other" }.to_owned())
    }

    #[must_use]
    pub const fn from_stored(kind: String) -> Self {
        Self(kind)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The kinds that arrive only for a connected number.
    pub const OF_NUMBERS: [&str; 9] = [
        "message",
        "status",
        "standby",
        "calls",
        "history",
        "smb_message_echoes",
        "smb_app_state_sync",
        "user_id_update",
        "user_preferences",
    ];

    #[must_use]
    pub fn is_of_number(&self) -> bool {
        Self::OF_NUMBERS.contains(&self.as_str())
    }

    /// The values of [`Self::label`].
    pub const LABELS: [&str; 4] = ["message", "status", "unparsed", "change"];

    /// For metrics: one of a fixed set of values.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self.0.as_str() {
            "message" => "message",
            "status" => "status",
            "unparsed" => "unparsed",
            _ => "change",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
