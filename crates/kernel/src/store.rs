use std::error::Error;

/// Why a repository could not answer. One concrete type, so that use cases need no generic error.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique or exclusion constraint said no; the domain knows the constraint by name and says what it means.
    #[error("conflicts with constraint {constraint}")]
    Conflict { constraint: String },
    /// The row belongs to another tenant: row level security refused it.
    #[error("outside of the tenant's scope")]
    OutOfScope,
    /// Deadlock, serialization failure or lock timeout: the same again may succeed at once.
    #[error("contention")]
    Retryable(#[source] Box<dyn Error + Send + Sync>),
    /// The database cannot be reached or is short of something; nobody's request is to blame.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// Anything else; retrying the same statement will not help.
    #[error("the database refused")]
    Other(#[source] Box<dyn Error + Send + Sync>),
}

impl StoreError {
    /// Whether this is a conflict with the named constraint.
    #[must_use]
    pub fn is_conflict_with(&self, name: &str) -> bool {
        matches!(self, Self::Conflict { constraint } if constraint == name)
    }

    /// A row that the code cannot read: the schema allows what the domain does not.
    #[must_use]
    pub fn corrupt(what: impl Into<String>) -> Self {
        Self::Other(what.into().into())
    }
}
