//! Updates the system roles of existing tenants to the definition in `rbac`. A migration would duplicate that definition.

use std::sync::LazyLock;

use diesel_async::{AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, TransactionManager};
use kernel::{Clock, Permission};
use rbac::SystemRole;
use uuid::Uuid;

use crate::sql::{Id, sql, types};

/// A system role `r` that differs: `$1` is its key, `$2` its name, `$3` its permissions.
const DIFFERS: &str = "r.system AND r.key = $1 AND (r.name <> $2 OR
  ARRAY(SELECT p.permission FROM role_permissions p
         WHERE p.tenant_id = r.tenant_id AND p.role_id = r.id ORDER BY p.permission)
  IS DISTINCT FROM ARRAY(SELECT unnest($3) ORDER BY 1))";

/// Locks the tenants, so that permissions do not change concurrently: see `TenantRepo::lock_tenant`.
static LOCK: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT FROM tenants t WHERE EXISTS (SELECT FROM roles r WHERE r.tenant_id = t.id AND {DIFFERS})
          ORDER BY t.id FOR NO KEY UPDATE"
    )
});

static UPDATE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH wrong AS (
           SELECT r.tenant_id, r.id FROM roles r WHERE {DIFFERS}
         ), removed AS (
           DELETE FROM role_permissions p USING wrong w
            WHERE p.tenant_id = w.tenant_id AND p.role_id = w.id AND p.permission <> ALL ($3)
         ), added AS (
           INSERT INTO role_permissions (tenant_id, role_id, permission)
           SELECT w.tenant_id, w.id, permission FROM wrong w, unnest($3) AS permissions (permission)
           ON CONFLICT DO NOTHING
         )
         UPDATE roles r SET name = $2, version = version + 1 FROM wrong w
          WHERE r.tenant_id = w.tenant_id AND r.id = w.id"
    )
});

const TENANTS_WITHOUT_ROLE: &str = "
SELECT t.id FROM tenants t
 WHERE NOT EXISTS (SELECT FROM roles r WHERE r.tenant_id = t.id AND r.key = $1) ORDER BY t.id";

/// Created at the time of the tenant, like its other system roles; without permissions, which [`UPDATE`] adds.
const INSERT: &str = "
INSERT INTO roles (tenant_id, id, key, name, system, version, created_at)
SELECT t.id, input.role, $3, $4, true, 0, t.created_at
  FROM unnest($1, $2) AS input (tenant, role) JOIN tenants t ON t.id = input.tenant
ON CONFLICT DO NOTHING";

/// Updates the roles and returns how many differed or were missing. A custom role with the key of a new system role is not changed.
///
/// # Errors
/// Errors of the database; the transaction is rolled back.
pub(crate) async fn update(owner: &mut AsyncPgConnection, clock: &dyn Clock) -> Result<usize, diesel::result::Error> {
    AnsiTransactionManager::begin_transaction(owner).await?;
    let outcome = update_all(owner, clock).await;
    match outcome {
        Ok(changed) => {
            AnsiTransactionManager::commit_transaction(owner).await?;
            Ok(changed)
        }
        Err(error) => {
            // Report the first error, not one of the rollback.
            let _ = AnsiTransactionManager::rollback_transaction(owner).await;
            Err(error)
        }
    }
}

async fn update_all(owner: &mut AsyncPgConnection, clock: &dyn Clock) -> Result<usize, diesel::result::Error> {
    let mut changed = 0;
    for role in SystemRole::ALL {
        let (key, name) = (role.key(), role.name());
        let permissions: Vec<&str> = role.permissions().iter().map(Permission::key).collect();
        let bind = |statement: &'static str| {
            sql(statement)
                .bind::<types::Text, _>(key.as_str())
                .bind::<types::Text, _>(name.as_str())
                .bind::<types::Texts, _>(&permissions)
        };
        let without: Vec<Id> = sql(TENANTS_WITHOUT_ROLE).bind::<types::Text, _>(key.as_str()).load(owner).await?;
        if !without.is_empty() {
            let tenants: Vec<Uuid> = without.into_iter().map(|Id { id }| id).collect();
            let ids: Vec<Uuid> = tenants.iter().map(|_| clock.new_id()).collect();
            let insert = sql(INSERT).bind::<types::Uuids, _>(tenants).bind::<types::Uuids, _>(ids);
            insert.bind::<types::Text, _>(key.as_str()).bind::<types::Text, _>(name.as_str()).execute(owner).await?;
        }
        bind(&LOCK).execute(owner).await?;
        changed += bind(&UPDATE).execute(owner).await?;
    }
    Ok(changed)
}
