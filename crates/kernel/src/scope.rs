use crate::ids::TenantId;

/// The tenant whose data a transaction may read and write. A tenant transaction cannot be opened without one.
///
/// It is neither `Clone` nor `Copy`, and [`TenantScope::mint`] is a disallowed method: each call states its reason in an
/// `#[expect]`.
#[derive(Debug)]
pub struct TenantScope(TenantId);

impl TenantScope {
    #[must_use]
    pub const fn mint(tenant: TenantId) -> Self {
        Self(tenant)
    }

    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.0
    }
}
