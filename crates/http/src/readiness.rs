use async_trait::async_trait;

/// Checks the services that the process depends on.
#[async_trait]
pub trait Readiness: Send + Sync {
    /// Checks each service. Must return within a few seconds even if a service does not respond.
    async fn check(&self) -> Vec<Check>;
}

/// The state of one required service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// `database`, `migrations`, `broker`.
    pub name: &'static str,
    /// Whether this process requires it. Services that only other processes require are reported, too.
    pub needed: bool,
    /// What is wrong, as public text: without host or user names.
    pub state: Result<(), String>,
}
