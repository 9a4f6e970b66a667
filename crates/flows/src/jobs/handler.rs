use async_trait::async_trait;
use jobs::{JobKind, JobOutcome, JobSubject};
use kernel::TenantScope;

/// Runs the jobs of one kind.
#[async_trait]
pub trait JobHandler: Send + Sync {
    fn kind(&self) -> JobKind;

    /// Runs a job once. It may have run before, and been interrupted at any point. It is dropped at its deadline, and when the process
    /// stops: what must not be half done is done in one transaction.
    async fn run(&self, scope: &TenantScope, subject: &JobSubject) -> JobOutcome;
}
