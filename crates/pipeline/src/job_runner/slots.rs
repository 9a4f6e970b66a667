use std::collections::HashMap;
use std::future::pending;

use jobs::JobKind;
use kernel::ids::TenantId;
use tokio::task::{Id, JoinError, JoinSet};
use tracing::error;

/// The jobs that a runner runs, and where the next claim of each kind begins.
#[derive(Default)]
pub(super) struct Slots {
    tasks: JoinSet<()>,
    kinds: HashMap<Id, JobKind>,
    next: HashMap<JobKind, TenantId>,
}

impl Slots {
    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// How many jobs of the kind may be started.
    pub(super) fn free(&self, kind: JobKind) -> usize {
        kind.policy().concurrent.saturating_sub(self.kinds.values().filter(|running| **running == kind).count())
    }

    /// Kinds with running jobs.
    pub(super) fn busy(&self) -> impl Iterator<Item = JobKind> + '_ {
        JobKind::ALL.iter().copied().filter(|kind| self.kinds.values().any(|running| running == kind))
    }

    pub(super) fn start(&mut self, kind: JobKind, run: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.spawn(run);
        self.kinds.insert(task.id(), kind);
    }

    /// The last tenant of the last turn.
    pub(super) fn next(&self, kind: JobKind) -> Option<TenantId> {
        self.next.get(&kind).copied()
    }

    pub(super) fn set_next(&mut self, kind: JobKind, next: Option<TenantId>) {
        match next {
            Some(tenant) => self.next.insert(kind, tenant),
            None => self.next.remove(&kind),
        };
    }

    /// Waits until a job has ended, and forgets all that have. Without a running job it waits forever.
    pub(super) async fn one_ended(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(ended) => self.ended(ended),
            None => pending().await,
        }
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.ended(ended);
        }
    }

    pub(super) async fn all_ended(&mut self) {
        while let Some(ended) = self.tasks.join_next_with_id().await {
            self.ended(ended);
        }
    }

    fn ended(&mut self, ended: Result<(Id, ()), JoinError>) {
        let task = ended.as_ref().map_or_else(JoinError::id, |(task, ())| *task);
        self.kinds.remove(&task);
        if let Err(error) = ended {
            error!(%error, "recording the outcome of a job failed; it runs again");
        }
    }
}
