use crate::ids::TenantId;

/// Whose data is being worked with. A tenant transaction can be opened only with one, and every row it reads or writes
/// belongs to that tenant.
///
/// It is neither `Clone` nor `Copy`, and [`TenantScope::mint`] is a disallowed method: each place that mints one says
/// why it may.
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
