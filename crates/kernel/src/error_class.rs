use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// Why an event or a job was not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum ErrorClass {
    /// Deadlock, serialization failure, lock timeout.
    Contention,
    /// A row that it refers to does not exist yet, or was deleted.
    Dependency,
    /// It took too long, or needed more locks or memory than the database has, while the database answered others.
    Timeout,
    /// Another failure that may pass.
    Transient,
    /// A retry cannot succeed.
    Permanent,
    /// Processes die while they work on it.
    Poison,
}

impl ErrorClass {
    pub const ALL: &[Self] = Self::VARIANTS;

    /// Whether another attempt may succeed.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Contention | Self::Dependency | Self::Timeout | Self::Transient)
    }
}
