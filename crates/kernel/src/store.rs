use std::error::Error;

/// Why a repository call failed. One concrete type, so that use cases need no generic error.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique or exclusion constraint was violated; the domain knows the constraint by name and turns it into its own error.
    #[error("conflicts with constraint {constraint}")]
    Conflict { constraint: String },
    /// Row level security refused the row: it belongs to another tenant.
    #[error("outside the tenant's scope")]
    OutOfScope,
    /// Deadlock, serialization failure or lock timeout: an immediate retry may succeed.
    #[error("contention")]
    Retryable(#[source] Box<dyn Error + Send + Sync>),
    /// The statement took too long, or it needed more locks or memory than the database has. The database may answer others.
    #[error("a limit of the database was exceeded")]
    LimitExceeded(#[source] Box<dyn Error + Send + Sync>),
    /// The database cannot be reached, or its disk is full; the request is not at fault.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// Any other error; retrying the statement does not help.
    #[error("the database refused the statement")]
    Other(#[source] Box<dyn Error + Send + Sync>),
}

impl StoreError {
    /// Whether this is a conflict with the named constraint.
    #[must_use]
    pub fn is_conflict_with(&self, name: &str) -> bool {
        matches!(self, Self::Conflict { constraint } if constraint == name)
    }

    /// A row that the domain cannot represent, although the schema allows it.
    #[must_use]
    pub fn corrupt(what: impl Into<String>) -> Self {
        Self::Other(what.into().into())
    }
}
