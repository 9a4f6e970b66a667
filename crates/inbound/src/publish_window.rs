use kernel::ids::TenantId;

use crate::DueEvent;

/// How many events may be published and unfinished at a time. All others wait in the ledger, where tenants are served in
/// turn; in the queue they would be served in the order of their arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishWindow {
    /// Of one tenant.
    pub per_tenant: i64,
    /// Of all tenants.
    pub total: i64,
    /// Of one tenant while `total` is reached: a tenant with few events does not wait for those of others.
    pub reserve: i64,
}

/// A relay's turn: which events it claims.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// Events that are claimed at most.
    pub events: i64,
    /// Tenants that are served at most.
    pub tenants: i64,
    pub window: PublishWindow,
    /// The tenants after this one are served; `None` begins anew.
    pub after: Option<TenantId>,
}

/// The events that were claimed in a turn.
#[derive(Clone, Debug, Default)]
pub struct ClaimedEvents {
    /// Ordered by tenant.
    pub events: Vec<DueEvent>,
    /// The next turn continues after this tenant; `None` if all tenants were served.
    pub next: Option<TenantId>,
}
