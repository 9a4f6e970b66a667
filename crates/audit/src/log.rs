use kernel::ids::TenantId;

/// One of the audit logs. Each has its own chain of seals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Log {
    Tenant(TenantId),
    /// The operators' log.
    Platform,
}
