use kernel::ids::TenantId;
use kernel::{Clock, TenantScope};
use media::{ObjectKey, ObjectPart, ObjectStore};

use super::compare::{CompareError, Comparison, Difference};
use super::sweep::{RECENT, all_tenants};
use crate::Database;

/// What a comparison of rows and store found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaCheck {
    pub tenants: u64,
    /// Objects that files have.
    pub objects: u64,
    pub missing: u64,
    pub wrong_size: u64,
    /// Objects in the store that no file has. They are deleted by themselves within a day.
    pub unknown: u64,
}

impl MediaCheck {
    /// Whether each file can be served.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.missing == 0 && self.wrong_size == 0
    }
}

/// A difference between rows and store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaProblem {
    Missing { key: ObjectKey, size: u64 },
    WrongSize { key: ObjectKey, expected: u64, found: u64 },
    Unknown { key: ObjectKey, size: u64 },
}

/// Compares the rows of all tenants with the store, by names and sizes. Changes nothing. Each difference is reported as it is found.
///
/// # Errors
/// [`CompareError`] if database or store cannot be read.
pub async fn check_media(
    database: &dyn Database,
    store: &dyn ObjectStore,
    clock: &dyn Clock,
    mut report: impl FnMut(MediaProblem) + Send,
) -> Result<MediaCheck, CompareError> {
    store.probe().await?;
    let mut check = MediaCheck::default();
    let mut last = None;
    loop {
        let tenants = all_tenants(database, last).await?;
        let Some(end) = tenants.last() else { return Ok(check) };
        last = Some(*end);
        for tenant in tenants {
            check.tenants += 1;
            check_tenant(database, store, clock, tenant, &mut check, &mut report).await?;
        }
    }
}

async fn check_tenant(
    database: &dyn Database,
    store: &dyn ObjectStore,
    clock: &dyn Clock,
    tenant: TenantId,
    check: &mut MediaCheck,
    report: &mut (impl FnMut(MediaProblem) + Send),
) -> Result<(), CompareError> {
    let scope = scope(tenant);
    let mut comparison = Comparison::new(database, &scope, store);
    while let Some(differences) = comparison.next().await? {
        for difference in differences {
            let problem = match difference {
                Difference::Missing(row) => {
                    check.missing += 1;
                    MediaProblem::Missing { key: ObjectKey::whole(tenant, row.sha256), size: row.size }
                }
                Difference::WrongSize(row, found) => {
                    check.wrong_size += 1;
                    MediaProblem::WrongSize { key: ObjectKey::whole(tenant, row.sha256), expected: row.size, found }
                }
                // One that was written just now gets its row in a moment.
                Difference::Unknown(info)
                    if info.key.part == ObjectPart::Thumbnail || clock.now() - info.modified_at < RECENT =>
                {
                    continue;
                }
                Difference::Unknown(info) => {
                    check.unknown += 1;
                    MediaProblem::Unknown { key: info.key, size: info.size }
                }
            };
            report(problem);
        }
    }
    check.objects += comparison.compared;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the directory names the tenant; an operator checks the store")]
const fn scope(tenant: TenantId) -> TenantScope {
    TenantScope::mint(tenant)
}
