use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use flows::{SendAnswer, SendRequest, StoreSendError};
use kernel::ids::TenantId;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use crate::turn_queue::TurnQueue;

/// A request whose caller waits for the result.
pub(super) struct PendingSend {
    pub(super) request: SendRequest,
    pub(super) result: oneshot::Sender<Result<SendAnswer, StoreSendError>>,
}

/// The capacity for requests that wait. One tenant can use half of it.
const CAPACITY: usize = 8_192;
/// Bytes of content that cost as much as a request.
const BYTES_PER_COST: usize = 16 << 10;
/// A transaction stores at most as many requests.
pub(super) const MAX_GROUP: usize = 128;
/// What the requests of a transaction may cost, if they are more than one: a megabyte beside the requests themselves.
const MAX_GROUP_COST: usize = MAX_GROUP + 64;
/// Transactions of one tenant at a time, if all but the latest are slow.
const MAX_OF_TENANT: usize = 3;

/// The requests that wait, and the tenants that are worked for.
#[derive(Debug)]
pub(super) struct Waiting {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    queue: TurnQueue<TenantId, PendingSend>,
    at_work: HashMap<TenantId, AtWork>,
    is_closed: bool,
}

/// The groups of a tenant that are being stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct AtWork {
    groups: usize,
    slow: usize,
}

/// Requests of one tenant that are stored together. The next group of the tenant is taken when this one is done, or is slow.
#[derive(Debug)]
pub(super) struct Turn<'w> {
    waiting: &'w Waiting,
    tenant: TenantId,
    is_slow: bool,
}

impl Waiting {
    pub(super) fn new() -> Self {
        let state = State { queue: TurnQueue::new(CAPACITY), at_work: HashMap::new(), is_closed: false };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    fn with<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn offer(&self, send: PendingSend) -> Result<(), StoreSendError> {
        let tenant = send.request.permit.scope().tenant();
        let cost = 1 + send.request.size() / BYTES_PER_COST;
        self.with(|state| {
            if state.is_closed {
                return Err(StoreSendError::CutOff);
            }
            state.queue.offer(&tenant, send, cost).map_err(|_| StoreSendError::Busy)
        })?;
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for requests of a tenant, and takes those that are there. When `stop` is cancelled, the queue is closed; `None` when it is
    /// also empty.
    pub(super) async fn next_group(&self, stop: &CancellationToken) -> Option<(Turn<'_>, Vec<PendingSend>)> {
        loop {
            if stop.is_cancelled() {
                self.with(|state| state.is_closed = true);
            }
            let (next, is_done) = self.with(|state| {
                let next = state.next_group();
                (next, state.is_closed && state.queue.is_empty())
            });
            if let Some((tenant, group)) = next {
                // Another task may find another tenant's requests.
                self.changed.notify_one();
                return Some((Turn { waiting: self, tenant, is_slow: false }, group));
            }
            if is_done {
                self.changed.notify_one();
                return None;
            }
            if stop.is_cancelled() {
                self.changed.notified().await;
            } else {
                tokio::select! {
                    () = self.changed.notified() => {}
                    () = stop.cancelled() => {}
                }
            }
        }
    }
}

impl State {
    fn next_group(&mut self) -> Option<(TenantId, Vec<PendingSend>)> {
        let at_work = &self.at_work;
        let may_be_served = |tenant: &TenantId| at_work.get(tenant).is_none_or(|at_work| at_work.allow_another());
        let (tenant, group) = self.queue.pop_group(may_be_served, MAX_GROUP, MAX_GROUP_COST)?;
        self.at_work.entry(tenant).or_default().groups += 1;
        Some((tenant, group))
    }
}

impl AtWork {
    const fn allow_another(self) -> bool {
        self.groups == self.slow && self.groups < MAX_OF_TENANT
    }
}

impl Turn<'_> {
    /// Lets the tenant's next group be taken.
    pub(super) fn is_slow(&mut self) {
        self.is_slow = true;
        self.waiting.with(|state| state.at_work.entry(self.tenant).or_default().slow += 1);
        self.waiting.changed.notify_one();
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.waiting.with(|state| {
            let Some(at_work) = state.at_work.get_mut(&self.tenant) else { return };
            at_work.groups -= 1;
            at_work.slow -= usize::from(self.is_slow);
            if at_work.groups == 0 {
                state.at_work.remove(&self.tenant);
            }
        });
        self.waiting.changed.notify_one();
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("at_work", &self.at_work).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenant_has_one_group_unless_it_is_slow() {
        let at_work = |groups, slow| AtWork { groups, slow }.allow_another();
        assert!(!at_work(1, 0), "its requests gather meanwhile");
        assert!(at_work(1, 1) && at_work(2, 2));
        assert!(!at_work(2, 1));
        assert!(!at_work(MAX_OF_TENANT, MAX_OF_TENANT), "others have a share");
    }
}
